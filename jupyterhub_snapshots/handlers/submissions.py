"""What was captured for assignments, as scripts of the older API read it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ConfigDict
from pydantic.alias_generators import to_pascal
from sqlalchemy.orm import Session

from ..core.access import Action
from ..core.captures import Kind
from ..store import assignments
from ..store.submissions import Submission, list_submissions
from .api import ApiHandler, number_in
from .base import Operation
from .models import ApiModel, Instant, PageQuery


class SubmissionSourceModel(ApiModel):
    """What the work is for: an assignment, by its title."""

    tag: Literal["Assignment"] = "Assignment"
    contents: str


class SubmissionDataModel(ApiModel):
    """The snapshot. `changedAfterDeadline` are paths, the first thousand of them."""

    snapshot: str
    kind: Kind
    complete: bool
    files: int | None
    bytes: int | None
    digest: str | None
    changed_after_deadline: list[str]


class SubmissionModel(ApiModel):
    """A student's work on an assignment. Nothing is graded here, so the last four are `null`."""

    model_config = ConfigDict(alias_generator=lambda name: f"problemSubmission{to_pascal(name)}")

    ident: str
    type: str = "Snapshot"
    time: Instant | None
    user_id: int
    assignment_id: int
    source: SubmissionSourceModel
    data: SubmissionDataModel
    correct: bool | None = None
    credit: int | None = None
    late_credit: int | None = None
    extra: int | None = None


class SubmissionListHandler(ApiHandler):
    """GET …/courses/{course}/submissions"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_SUBMISSIONS,
            "What was captured for assignments of the course",
            list[SubmissionModel],
            query=PageQuery,
        )
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        await self.reply_submissions()

    async def reply_submissions(self, assignment: str | None = None) -> None:
        """Answers those of the course, or of the student of the path, or of one assignment.

        Raises AssignmentNotFound.
        """
        page = self.query(PageQuery)
        number = number_in(assignment) if assignment is not None else None
        user_id = self.student.user_id if self.student is not None else None

        def work(db: Session) -> list[Submission]:
            if number is not None:
                self.target = assignments.get_assignment(db, self.here.id, number).title
            return list_submissions(db, self.here.id, assignment_id=number, user_id=user_id)

        await self.reply_list(await self.services.store.read(work), page, submission_model)


class StudentSubmissionListHandler(SubmissionListHandler):
    """GET …/students/{student}/submissions"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_SUBMISSIONS,
            "What was captured of one student for assignments",
            list[SubmissionModel],
            query=PageQuery,
        )
    }

    async def get(self, ident: str, course: str, student: str) -> None:  # type: ignore[override]
        """See the class."""
        await self.reply_submissions()


class AssignmentSubmissionListHandler(SubmissionListHandler):
    """GET …/assignments/{assignment}/submissions"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_SUBMISSIONS,
            "What was captured for one assignment",
            list[SubmissionModel],
            query=PageQuery,
        )
    }

    async def get(self, ident: str, course: str, assignment: str) -> None:  # type: ignore[override]
        """See the class."""
        await self.reply_submissions(assignment)


class StudentAssignmentSubmissionListHandler(SubmissionListHandler):
    """GET …/assignments/{assignment}/submissions/{student}"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_SUBMISSIONS,
            "What was captured of one student for one assignment",
            list[SubmissionModel],
            query=PageQuery,
        )
    }

    async def get(  # type: ignore[override]
        self, ident: str, course: str, assignment: str, student: str
    ) -> None:
        """See the class."""
        await self.reply_submissions(assignment)


def submission_model(found: Submission) -> dict[str, object]:
    """JSON of a submission."""
    return SubmissionModel(
        ident=found.snapshot,
        time=found.at,
        user_id=found.user_id,
        assignment_id=found.assignment_id,
        source=SubmissionSourceModel(contents=found.title),
        data=SubmissionDataModel(
            snapshot=found.snapshot,
            kind=found.kind,
            complete=found.is_complete,
            files=found.files,
            bytes=found.bytes,
            digest=found.digest,
            changed_after_deadline=list(found.late_files),
        ),
    ).json_value()
