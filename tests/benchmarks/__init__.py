"""Speed of the exchange, each workload beside a floor of the same run: `python -m tests.benchmarks`."""
