"""The settings of a bucket that keep what the registry promises: an acknowledged version stays, with its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nats.js import api

WANTED_HISTORY = 64
"""Writes of each key that the audit log reaches back over."""


def refusals(config: Mapping[str, Any], *, prefix: str, replicas: int, mirror: bool = False) -> list[str]:
    """Return why the registry does not use a stream with this configuration, each with its remedy.

    `config` is that of STREAM.INFO; `prefix` that of the bucket's subjects; `replicas` the number of copies that is
    wanted at least; `mirror` whether the stream must be a mirror, which has no subjects and deletes nothing of its own.
    """
    name, found = config["name"], []

    def refuse(fault: str, remedy: str) -> None:
        found.append(f"The stream {name} {fault}; {remedy}")

    if config.get("max_age", 0):
        seconds = config["max_age"] / 1e9
        refuse(f"deletes messages after {seconds:g} seconds (max_age)", f"`nats stream edit {name} --max-age=0`")
    if bool(config.get("mirror")) != mirror:
        if mirror:
            refuse("is no mirror, and REGISTRY_MIRROR_OF is set", "unset it, or give this registry another bucket")
        else:
            refuse("is a mirror", "set REGISTRY_MIRROR_OF to the URL of the registry that takes the writes")
        return found
    if config.get("discard") != "new" and not mirror:
        refuse("deletes old messages when it is full (discard: old)", f"`nats stream edit {name} --discard=new`")
    if config.get("retention") != "limits":
        refuse(f"has the retention {config.get('retention')}", "the bucket must be made anew with the retention limits")
    if config.get("subjects") != [f"{prefix}>"] and not mirror:
        subjects = ", ".join(config.get("subjects") or ()) or "none"
        refuse(f"has the subjects {subjects}, not {prefix}> alone", "give the others a stream of their own")
    if config.get("num_replicas", 1) < replicas:
        refuse(
            f"has {config.get('num_replicas', 1)} copies, and NATS_REPLICAS is {replicas}",
            f"`nats stream edit {name} --replicas={replicas}`",
        )
    return found


def warnings(config: Mapping[str, Any]) -> list[str]:
    """Return what may surprise an operator later about a stream that is used."""
    name, found = config["name"], []
    history = config.get("max_msgs_per_subject", -1)
    if 0 < history < WANTED_HISTORY:
        found.append(
            f"The stream {name} keeps {history} writes of each key, not {WANTED_HISTORY}: the audit log is short"
        )
    if config.get("storage") != "file":
        found.append(f"The stream {name} is in memory: all contracts are lost when its servers stop")
    for limit in ("max_bytes", "max_msgs", "max_msg_size"):
        if config.get(limit, -1) > 0:
            found.append(f"The stream {name} has a limit ({limit}: {config[limit]}): beyond it, publishing is refused")
    return found


def new_stream(bucket: str, *, is_mirror: bool, mirror_domain: str, config: Mapping[str, Any]) -> api.StreamConfig:
    """Return the configuration of a bucket's stream, or of a mirror of the bucket in a JetStream domain."""
    name = f"KV_{bucket}"
    if is_mirror:
        origin = api.ExternalStream(api=f"$JS.{mirror_domain}.API") if mirror_domain else None
        kind: dict[str, Any] = {"mirror": api.StreamSource(name=name, external=origin), "mirror_direct": True}
    else:
        kind = {
            "subjects": [f"$KV.{bucket}.>"],
            "discard": api.DiscardPolicy.NEW,
            "deny_delete": True,
            "allow_rollup_hdrs": True,
            "duplicate_window": 120,
        }
    return api.StreamConfig(name=name, storage=api.StorageType.FILE, max_msgs=-1, max_consumers=-1, **kind, **config)
