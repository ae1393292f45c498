"""The console: pages of Django's admin over the registry. Services decide; the console only shows."""
