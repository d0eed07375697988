"""Reports returned to students, and what would come of returning them."""

from __future__ import annotations

import dataclasses
from typing import Annotated, ClassVar

from pydantic import Field

from .. import errors
from ..core.access import Action
from ..core.deliveries import Delivery, Problem
from .api import ApiHandler, number_in
from .base import Form, Operation
from .body import upload_name
from .deliveries import HomeDeliveryModel, home_delivery_model
from .models import ApiModel

_MOST_FILES = 5000


class ReportFilesModel(ApiModel):
    """Names of files that may be returned, such as ``ada.html`` or ``ada/week-1.html``."""

    files: Annotated[list[str], Field(max_length=_MOST_FILES)]


class DeliveryModel(ApiModel):
    """Whose a file is, what it would be called in the home, and why it can't be returned."""

    file: str
    student: str | None
    report_name: str | None
    problem: Problem | None
    message: str | None


class ReportListHandler(ApiHandler):
    """POST …/students/{student}/reports"""

    operations: ClassVar = {
        "POST": Operation(
            Action.RETURN_REPORT,
            "Put a report into the student's home, or keep it until its assignment's release",
            str,
            status=201,
            also={202: HomeDeliveryModel},
            body=Form(optional=("assignment",), file="file"),
        )
    }

    async def post(self, ident: str, course: str, student: str) -> None:
        """See the class."""
        fields, files = self.form()
        if "file" not in files:
            raise errors.MissingField(
                "The file part 'file' is missing. Send it as in: curl -F file=@report.html …",
                field="file",
            )
        upload = files["file"][0]
        filename = upload_name(upload)
        held = None
        assignment = fields.get("assignment", [b""])[0].decode("utf-8", "replace").strip()
        if assignment:
            number = number_in(assignment)
            held = await self.services.deliveries.hold_report(
                self.here, number, self.who, filename, upload.body, self.caller.name
            )
        if held is not None:
            self.target = f"{held.filename}, held"
            self.services.deadlines_changed()
            self.reply(home_delivery_model(held), status=202)
            return
        name = await self.services.reports.put(self.here, self.whose, filename, upload.body)
        self.target = name
        self.reply(name, status=201)


class ReportCheckHandler(ApiHandler):
    """POST …/courses/{course}/reports/check"""

    operations: ClassVar = {
        "POST": Operation(
            Action.RETURN_REPORT,
            "What would come of returning files of these names; nothing is returned",
            list[DeliveryModel],
            body=ReportFilesModel,
        )
    }

    async def post(self, ident: str, course: str) -> None:
        """See the class."""
        files = self.json_body(ReportFilesModel).files
        self.target = f"check of {len(files)} names"
        members = await self.services.roster.everybody(self.here)
        await self.reply_made(
            lambda: [
                _model(found) for found in self.services.reports.check(self.here, members, files)
            ]
        )


def _model(found: Delivery) -> dict[str, object]:
    fields = dataclasses.asdict(found)
    return DeliveryModel.model_validate(fields | {"report_name": found.name}).json_value()
