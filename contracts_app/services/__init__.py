"""The operations of the registry. API, console and commands use these; none of them decides for itself."""

from contracts_app.services.lifecycle import change_state
from contracts_app.services.publishing import publish_contract

__all__ = ["change_state", "publish_contract"]
