"""The console's forms. Whether a contract is valid is decided by the API's reader and the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from contracts_app.exceptions import ContractError
from contracts_app.services.publish_requests import MAX_REASON_CHARACTERS
from contracts_app.services.stream_checks import MAX_MESSAGES

_TEXT = {"spellcheck": "false", "autocomplete": "off", "wrap": "off"}


def _upload() -> forms.FileField:
    return forms.FileField(label=_("or a file"), required=False, help_text=_("Replaces the text"))


def _override(help_text: Any) -> forms.CharField:
    label = _("Reason for an override")
    return forms.CharField(label=label, required=False, max_length=MAX_REASON_CHARACTERS, help_text=help_text)


class ConsoleForm(forms.Form):
    """A form that labels its faulty fields for screen readers, and shows the registry's errors at their fields."""

    fields_of_errors: dict[str, str] = {}
    """The registry's field names, where the form uses others."""

    def refuse(self, error: ContractError, message: str = "") -> str:
        """Show an error at its field, or above the form if it names none; return the form's field name, if any."""
        named = str(error.extras.get("field", "")).partition(".")[0]
        field = self.fields_of_errors.get(named, named)
        self.add_error(field if field in self.fields else None, message or error.message)
        return field if field in self.fields else ""


class PublishForm(ConsoleForm):
    fields_of_errors = {"jsonSchema": "schema"}

    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(attrs=_TEXT))
    version = forms.CharField(
        label=_("Version"),
        max_length=128,
        help_text=_("SemVer, such as 1.2.3, or v1"),
        widget=forms.TextInput(attrs=_TEXT),
    )
    description = forms.CharField(label=_("Description"), required=False, max_length=2000)
    labels = forms.CharField(label=_("Labels"), required=False, help_text=_("Separated by commas"))
    schema = forms.CharField(
        label=_("JSON Schema"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={**_TEXT, "rows": 24, "data-editor": "schema"}),
    )
    schema_file = _upload()
    wit = forms.CharField(
        label="WIT",
        required=False,
        strip=False,
        help_text=_("The interface of a WebAssembly component: the text of one WIT package"),
        widget=forms.Textarea(attrs={**_TEXT, "rows": 8, "data-editor": "wit"}),
    )
    wit_file = _upload()
    descriptor = forms.CharField(
        label=_("Descriptor"),
        required=False,
        strip=False,
        help_text=_("Any JSON that describes the contract to your tools, such as its topic or its owner"),
        widget=forms.Textarea(attrs={**_TEXT, "rows": 4, "data-editor": "json"}),
    )
    override = _override(_("Publishes a breaking change where the policy allows overrides; recorded in the audit"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for part in ("schema", "wit"):
            upload = cleaned.get(f"{part}_file")
            if isinstance(upload, UploadedFile):
                self._take(part, upload, cleaned)
            else:
                # Browsers send line breaks of a text area as CRLF (HTML, section 4.10.5.4); the pasted text had LF.
                cleaned[part] = cleaned.get(part, "").replace("\r\n", "\n")
        cleaned["descriptor"] = cleaned.get("descriptor", "").replace("\r\n", "\n")
        return cleaned

    def _take(self, part: str, upload: UploadedFile[Any], cleaned: dict[str, Any]) -> None:
        if (upload.size or 0) > settings.CONTRACT_MAX_BYTES:
            self.add_error(f"{part}_file", _("The file is larger than %d bytes") % settings.CONTRACT_MAX_BYTES)
            return
        try:
            cleaned[part] = upload.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.add_error(f"{part}_file", _("The file is not UTF-8: byte %d") % error.start)
            return
        # A browser does not send a file twice: keep its content in the text field.
        self.data = {**{name: self.data[name] for name in self.data}, part: cleaned[part]}

    def order(self, *, draft: bool = False, version: str = "") -> dict[str, Any]:
        """Return the body of the publish request that the form describes, or with another version, or for a draft."""
        cleaned = self.cleaned_data
        order: dict[str, Any] = {"name": cleaned["name"], "version": version or cleaned["version"]}
        if cleaned["description"]:
            order["description"] = cleaned["description"]
        if labels := [label.strip() for label in cleaned["labels"].split(",") if label.strip()]:
            order["labels"] = labels
        for part, member in (("schema", "jsonSchema"), ("wit", "wit"), ("descriptor", "descriptor")):
            if cleaned[part].strip():
                order[member] = cleaned[part]
        if draft:
            order["state"] = "draft"
        if cleaned["override"]:
            order["override"] = {"reason": cleaned["override"]}
        return order


class ReasonForm(ConsoleForm):
    """The fields of every change of state."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=MAX_REASON_CHARACTERS,
        help_text=_("Shown to users of the version and recorded in the audit"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class SuccessorForm(ReasonForm):
    successor = forms.ChoiceField(label=_("Successor"), required=False)

    def __init__(self, *args: Any, successors: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["successor"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("none"))] + [(each, each) for each in successors]


class DeprecateForm(SuccessorForm):
    field_order = ["reason", "sunset", "successor"]
    sunset = forms.DateField(
        label=_("Sunset"),
        required=False,
        help_text=_("The day, in UTC, from which the API answers 410; leave empty for none"),
        widget=forms.DateInput(attrs={"type": "date"}),
    )


class WithdrawForm(SuccessorForm):
    override = _override(_("Withdraws the version although others depend on it, where the policy allows overrides"))


class BulkDeprecateForm(ReasonForm):
    sunset = DeprecateForm.base_fields["sunset"]
    latest = forms.BooleanField(
        label=_("Name the latest version as the successor"),
        required=False,
        initial=True,
        help_text=_("For each contract that keeps an active version"),
    )


class StreamForm(ConsoleForm):
    """Base of the forms that read messages: the stream, and how many."""

    stream = forms.RegexField(
        r"\A[A-Za-z0-9_-]+\Z",
        label=_("Stream"),
        max_length=100,
        help_text=_("The JetStream stream that keeps these messages, such as ORDERS"),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    last = forms.IntegerField(
        label=_("Messages"),
        min_value=1,
        max_value=MAX_MESSAGES,
        help_text=_("The newest; at most 10,000. The commands check_stream and infer_contract read any number."),
    )
