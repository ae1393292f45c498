"""Webhooks: the events of the feed, sent to the addresses of other services, signed and retried."""
