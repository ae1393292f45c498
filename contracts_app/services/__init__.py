"""What the registry does, as verbs. API, console and commands decide here and nowhere else."""

from contracts_app.services.lifecycle import change_state
from contracts_app.services.publishing import publish_contract

__all__ = ["change_state", "publish_contract"]
