"""What one run of the gates recorded: plain frozen values, and nothing that reads or writes.

Reports, promotions and comparisons see a run through these types only, so that none of them needs
an engine, a detector or a gate. :mod:`evalsuite.runfolder` keeps them in a folder.
"""

from evalsuite.gates.verdict import SliceVerdict, Status, Tier, Verdict
from evalsuite.runrecord.info import (
    AdapterInfo,
    AttemptInfo,
    BaseInfo,
    ChampionInfo,
    Counts,
    EngineInfo,
    FileInfo,
    FlipsInfo,
    GateNumbers,
    LooksInfo,
    PolicyInfo,
    PromotionInfo,
    RunFile,
    RunInfo,
    WaiverInfo,
)
from evalsuite.runrecord.rows import (
    CaseRow,
    DemonstrationsRow,
    OutputRow,
    ScoreRow,
    ShownRow,
    Side,
    SpanRow,
    TokensRow,
    Unit,
)

__all__ = [
    "AdapterInfo",
    "AttemptInfo",
    "BaseInfo",
    "CaseRow",
    "ChampionInfo",
    "Counts",
    "DemonstrationsRow",
    "EngineInfo",
    "FileInfo",
    "FlipsInfo",
    "GateNumbers",
    "LooksInfo",
    "OutputRow",
    "PolicyInfo",
    "PromotionInfo",
    "RunFile",
    "RunInfo",
    "ScoreRow",
    "ShownRow",
    "Side",
    "SliceVerdict",
    "SpanRow",
    "Status",
    "Tier",
    "TokensRow",
    "Unit",
    "Verdict",
    "WaiverInfo",
]
