"""Members of a course: all of them, one by one, and from a file."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints

from ..core.access import Action
from ..core.records import Member, Role
from ..core.roster_changes import ImportReport, RowResult
from ..core.roster_csv import MAX_TEXT_LENGTH
from ..store.people import PERSONAL_FIELDS
from .api import ApiHandler, number_in
from .base import Operation, RawBody
from .models import ApiModel, PageQuery

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_TEXT_LENGTH)]


class MemberModel(ApiModel):
    """A member of a course. `source` is config, csv, api, hub or homes; inactive: has left."""

    id: int
    username: str
    role: Role
    source: str
    active: bool
    first_name: str
    last_name: str
    email: str
    university_id: str | None


class PersonalModel(ApiModel):
    """What is known of a person, the same in every course; null clears a field."""

    first_name: Text | None = None
    last_name: Text | None = None
    email: Text | None = None
    university_id: Text | None = None

    def personal(self) -> dict[str, str | None]:
        """The fields that were sent, as they are kept."""
        sent = [name for name in PERSONAL_FIELDS if name in self.model_fields_set]
        empty = dict.fromkeys(PERSONAL_FIELDS, "") | {"university_id": None}
        return {name: getattr(self, name) or empty[name] for name in sent}


class NewMemberModel(PersonalModel):
    """A person who is to be a member: the hub username, and the role."""

    username: Annotated[str, Field(min_length=1, max_length=255)]
    role: Role


class MemberChangeModel(PersonalModel):
    """What is to change of a member; what is not sent stays."""

    role: Role | None = None


class ImportQuery(ApiModel):
    """`dryRun`: only tell what would come of it. `partial`: take the good rows in any case."""

    model_config = ConfigDict(extra="forbid")  # a misspelt dryRun must not write

    dry_run: bool = False
    partial: bool = False


class RowResultModel(ApiModel):
    """What came of one row; `row` is its number in a spreadsheet, the first row is 1."""

    row: int
    username: str
    result: Literal["added", "updated", "unchanged", "error"]
    message: str | None


class ImportReportModel(ApiModel):
    """What came of a file. Nothing is `written` by a dry run, nor with an error in a row."""

    written: bool
    dry_run: bool
    counts: dict[str, int]
    rows: list[RowResultModel]
    unknown_columns: list[str]


class MemberListHandler(ApiHandler):
    """GET, POST …/courses/{course}/members"""

    operations: ClassVar = {
        "GET": Operation(
            Action.LIST_STUDENTS,
            "Everybody in the course, and who has left it",
            list[MemberModel],
            query=PageQuery,
        ),
        "POST": Operation(
            Action.MANAGE_ROSTER,
            "Make a person a member",
            MemberModel,
            status=201,
            body=NewMemberModel,
        ),
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        found = await self.services.roster.everybody(self.here)
        await self.reply_list(found, self.query(PageQuery), _member_model)

    async def post(self, ident: str, course: str) -> None:
        """See the class."""
        wanted = self.json_body(NewMemberModel)
        self.student_name, self.target = wanted.username, f"added as {wanted.role.value}"
        member = await self.services.members.add(
            self.here, wanted.username, wanted.role, wanted.personal(), self.caller
        )
        self.reply(_member_model(member), 201, location=f"{self.request.path}/{member.id}")


class MemberHandler(ApiHandler):
    """GET, PATCH, DELETE …/members/{member}"""

    operations: ClassVar = {
        "GET": Operation(Action.LIST_STUDENTS, "One member", MemberModel),
        "PATCH": Operation(
            Action.MANAGE_ROSTER,
            "Change a member's role, or what is known of the person",
            MemberModel,
            body=MemberChangeModel,
        ),
        "DELETE": Operation(
            Action.MANAGE_ROSTER,
            "Mark a member as one who left; snapshots stay",
            MemberModel,
        ),
    }

    async def get(self, ident: str, course: str, member: str) -> None:
        """See the class."""
        found = await self.services.members.get(self.here, number_in(member))
        self.student_name = found.username
        self.reply_item(_member_model(found))

    async def patch(self, ident: str, course: str, member: str) -> None:
        """See the class."""
        number = number_in(member)
        self.target = f"member {number} changed"
        wanted = self.json_body(MemberChangeModel)
        changed = await self.services.members.change(
            self.here, number, wanted.role, wanted.personal(), self.caller, self._check
        )
        fields = ", ".join(sorted(wanted.model_fields_set & {*PERSONAL_FIELDS, "role"}))
        self.student_name = changed.username
        became = f" to {changed.role.value}" if wanted.role is not None else ""
        self.target = f"changed{became}: {fields or 'nothing'}"
        self.reply_item(_member_model(changed))

    async def delete(self, ident: str, course: str, member: str) -> None:
        """See the class."""
        number = number_in(member)
        self.target = f"member {number} left"
        left = await self.services.members.remove(self.here, number, self.caller, self._check)
        self.student_name, self.target = left.username, "left"
        self.reply_item(_member_model(left))

    def _check(self, member: Member) -> None:
        self.check_if_match(_member_model(member))


class MemberImportHandler(ApiHandler):
    """POST …/members/import"""

    operations: ClassVar = {
        "POST": Operation(
            Action.MANAGE_ROSTER,
            "Add and update members from a CSV file; all rows or, with an error in one, none",
            ImportReportModel,
            query=ImportQuery,
            body=RawBody(
                "text/csv",
                text=True,
                summary="In UTF-8, with commas or semicolons. The first row names the columns: "
                "username, and if wanted role, first_name, last_name, email, university_id.",
            ),
        )
    }

    async def post(self, ident: str, course: str) -> None:
        """See the class."""
        query = self.query(ImportQuery)
        self.target = "import, dry run" if query.dry_run else "import"
        report = await self.services.members.import_csv(
            self.here, self.body, self.caller, dry_run=query.dry_run, partial=query.partial
        )
        counts = ", ".join(f"{count} {result}" for result, count in report.counts.items())
        unwritten = "" if report.written or report.dry_run else "; not written"
        self.target += f": {counts}{unwritten}"
        await self.reply_made(lambda: _report_model(report))


def _member_model(member: Member) -> dict[str, object]:
    fields = {name: getattr(member, name) for name in MemberModel.model_fields}
    return MemberModel.model_validate(fields).json_value()


def _report_model(report: ImportReport) -> dict[str, object]:
    return ImportReportModel(
        dry_run=report.dry_run,
        written=report.written,
        counts=report.counts,
        rows=[_row_model(row) for row in report.rows],
        unknown_columns=list(report.unknown_columns),
    ).json_value()


def _row_model(row: RowResult) -> RowResultModel:
    return RowResultModel(
        row=row.row, username=row.username, result=row.result, message=row.message
    )
