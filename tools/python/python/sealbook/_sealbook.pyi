from datetime import datetime
from os import PathLike
from typing import Any, Dict, Generic, Iterator, List, Optional, Sequence, Tuple, TypeVar, Union, final

from .records import Checkpoint, Equivocation, InclusionProof, Member, Receipt, Statement, TlogProof

__version__: str

_File = Union[str, PathLike[str], bytes, bytearray, memoryview]
_Key = Union[str, PathLike[str]]
_T = TypeVar("_T")

__all__ = [
    "Entries",
    "Entry",
    "Policy",
    "Records",
    "__version__",
    "check_opening",
    "checkpoints",
    "fold",
    "join",
    "key",
    "members",
    "proof",
    "read",
    "receipts",
    "statements",
    "table",
    "verify",
    "verify_all",
]

@final
class Policy:
    def __new__(
        cls,
        keys: Sequence[_Key] = ...,
        *,
        format: Optional[str] = None,
        signatures: bool = True,
        expect_head: Optional[str] = None,
        contains: Sequence[_File] = ...,
        receipts: Optional[_File] = None,
        revoked: Sequence[_File] = ...,
        auditors: Sequence[_Key] = ...,
        audited: Sequence[_File] = ...,
        policy: Optional[_File] = None,
        entry: Optional[_File] = None,
        known: Sequence[_Key] = ...,
        correlation: Optional[str] = None,
        tenant: Optional[str] = None,
        worker: Optional[str] = None,
        ledger_rules: bool = False,
        allow_unsigned: bool = False,
        allow_unapplied_revocations: bool = False,
    ) -> Policy: ...

@final
class Entry:
    @property
    def seq(self) -> Optional[int]: ...
    @property
    def epoch(self) -> Optional[int]: ...
    @property
    def line(self) -> Optional[int]: ...
    @property
    def kind(self) -> str: ...
    @property
    def ts(self) -> str: ...
    @property
    def micros(self) -> int: ...
    @property
    def time(self) -> datetime: ...
    @property
    def hash(self) -> str: ...
    @property
    def prev_hash(self) -> str: ...
    @property
    def signature(self) -> str: ...
    @property
    def payload_json(self) -> str: ...
    @property
    def payload(self) -> Dict[str, Any]: ...
    def __getitem__(self, key: str, /) -> Any: ...
    def get(self, name: str, default: Any = None) -> Any: ...

@final
class Entries:
    @property
    def format(self) -> str: ...
    def __iter__(self) -> Iterator[Entry]: ...
    def __next__(self) -> Entry: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...

@final
class Records(Generic[_T]):
    @classmethod
    def __class_getitem__(cls, _item: Any) -> Any: ...
    def __iter__(self) -> Iterator[_T]: ...
    def __next__(self) -> _T: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...

def verify(file: _File, policy: Policy, explain: bool) -> str: ...
def verify_all(
    files: Sequence[Union[str, PathLike[str]]],
    keys: Sequence[Tuple[str, Sequence[_Key]]],
    policy: Policy,
    explain: bool,
) -> Tuple[str, List[Tuple[str, str, bytes]], List[str]]: ...
def fold(file: _File, policy: Policy) -> str: ...
def join(parts: Sequence[str], whole: bool) -> str: ...
def check_opening(
    commitment: str, genesis: str, pointer: str, salt: str, value_json: str
) -> bool: ...
def key(given: _Key) -> str: ...
def read(file: _File) -> Entries: ...
def table(file: _File) -> Entries: ...
def members(file: _File) -> Records[Member]: ...
def receipts(file: _File) -> Records[Receipt]: ...
def checkpoints(file: _File) -> Records[Checkpoint]: ...
def statements(file: _File) -> Records[Statement]: ...
def proof(file: _File) -> Union[InclusionProof, TlogProof, Equivocation]: ...
