"""What is said of a submission to XTREME or XTREME-R before anybody sends it in, as it travels over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backend.domain.schemas import View

BenchmarkName = Literal["xtreme-r", "xtreme"]
FileStatus = Literal["right", "read", "missing", "wrong suffix", "wrong length", "unreadable", "unknown label"]


class SubmittedFile(View):
    """One file that the benchmark asks for. ``read``: nothing is wrong with it that can be seen without labels."""

    language: str
    file: str
    status: FileStatus
    said: list[str] = Field(description="what is wrong with it, or with its labels")
    points: dict[str, float] = Field(description="metric → points; empty where it was not scored")


class SubmittedTask(View):
    """``score`` is null where a language could not be scored: a mean over fewer is another number."""

    name: str
    files: list[SubmittedFile]
    there: int = Field(description="files that are there and can be read")
    average: dict[str, float]
    score: float | None


class GroupScore(View):
    """The mean of its tasks' scores; null where one of them has none, which ``without`` names."""

    name: str
    tasks: list[str]
    score: float | None
    without: list[str]


class SubmissionCheck(View):
    """``official`` are the groups and the whole as the official script gives them, ``ours`` the same with LAReQA."""

    benchmark: BenchmarkName
    title: str
    folder: str = Field(description="the folder of the archive that was looked at; empty: its top")
    labels: Literal["upload", "data root", "stored"] | None = Field(description="where the labels are from")
    files: int = Field(description="files of the upload that were read")
    tasks: list[SubmittedTask]
    official: list[GroupScore]
    ours: list[GroupScore]
    official_note: str | None = Field(description="what the official script cannot give")
    strangers: list[str] = Field(description="folders and files that the benchmark does not read")
    notes: list[str]
    wrong: int = Field(description="files that are missing or wrong")


class SubmissionChoice(View):
    """One submission that an experiment's stored predictions make. ``missing``: tasks that were not evaluated."""

    model: str
    recipe: str
    seed: int | None
    tasks: list[str]
    missing: list[str]
