"""Gates: from measurements and a policy to verdicts, each with its reason.

Pure functions: no model, no file but the policy, no clock. The run layer turns detector scores
into an :class:`Evidence` and hands it to :func:`judge`.
"""

from evalsuite.gates.criteria import Criterion
from evalsuite.gates.decision import decide
from evalsuite.gates.directions import Change
from evalsuite.gates.evidence import Check, Evidence, Observation, Opponent, worst_loss
from evalsuite.gates.judge import judge
from evalsuite.gates.looks import Hopeless, hopeless, stopped
from evalsuite.gates.part import Part, Topic, parse_part
from evalsuite.gates.partverdicts import (
    judge_census,
    judge_checks,
    judge_mean,
    judge_paired,
    judge_rate,
)
from evalsuite.gates.policy import (
    Attempts,
    Looks,
    Policy,
    derived_seed,
    policy_digest,
    policy_schema,
)
from evalsuite.gates.policycheck import Doubt, doubts
from evalsuite.gates.policydiff import Difference, diff_policies
from evalsuite.gates.policyfile import load_policy, parse_policy, policy_names, resolve_policy
from evalsuite.gates.policywriting import policy_yaml
from evalsuite.gates.resolved import PolicyFile, ResolvedPolicy, Written
from evalsuite.gates.rules import Beside, Origin, Proof, SliceBy
from evalsuite.gates.skillfloors import above_guessing
from evalsuite.gates.verdict import (
    Gate,
    Quantity,
    SliceVerdict,
    Status,
    Tier,
    Verdict,
    dump_verdicts,
    load_verdicts,
    overall,
    worst,
)
from evalsuite.gates.waivers import Waiver, load_waivers, waived

__all__ = [
    "Attempts",
    "Beside",
    "Change",
    "Check",
    "Criterion",
    "Difference",
    "Doubt",
    "Evidence",
    "Gate",
    "Hopeless",
    "Looks",
    "Observation",
    "Opponent",
    "Origin",
    "Part",
    "Policy",
    "PolicyFile",
    "Proof",
    "Quantity",
    "ResolvedPolicy",
    "SliceBy",
    "SliceVerdict",
    "Status",
    "Tier",
    "Topic",
    "Verdict",
    "Waiver",
    "Written",
    "above_guessing",
    "decide",
    "derived_seed",
    "diff_policies",
    "doubts",
    "dump_verdicts",
    "hopeless",
    "judge",
    "judge_census",
    "judge_checks",
    "judge_mean",
    "judge_paired",
    "judge_rate",
    "load_policy",
    "load_verdicts",
    "load_waivers",
    "overall",
    "parse_part",
    "parse_policy",
    "policy_digest",
    "policy_names",
    "policy_schema",
    "policy_yaml",
    "resolve_policy",
    "stopped",
    "waived",
    "worst",
    "worst_loss",
]
