# SPDX-License-Identifier: Apache-2.0
"""A row of the table of tamperings."""
import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class Row:
    """What is done to a result, and what must be said of it."""
    name: str
    tamper: typing.Callable  # changes a material.Copy
    said: typing.Union[dict, str]  # rows that must not hold, with a pattern for their details; or one of the output
    status: int = 4
    changes_files: bool = True  # else what the auditor holds against the result is another
    others: bool = False  # more rows than these may not hold
    watched: str = "out"  # the folder that is changed: the result's own, the ledger, or a released result
    command: typing.Optional[typing.Callable] = None  # instead of lazaret-verify: the words for a Copy
