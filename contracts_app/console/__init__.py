"""The console: pages of Django's admin over the registry. They decide nothing, and keep nothing."""
