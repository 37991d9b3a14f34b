"""The public site (服务外网): speaks to the exchange over HTTP, with the visitor's own token."""
