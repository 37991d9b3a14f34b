"""The five application modules: each meets the others only through resources, events and indicators."""
