"""The request: a runner, a training log, and how they are read off the wire. One definition for wire and heart."""

from app.runners.profile import (
    JOINTS,
    Finding,
    JointId,
    Knee,
    LowerBack,
    OtherInjury,
    PlannedRun,
    Runner,
    ScoreRequest,
    Session,
    Shoes,
    StrengthTraining,
    Training,
)
from app.runners.requests import UnknownFields, read_request, settle_request

__all__ = [
    "JOINTS",
    "Finding",
    "JointId",
    "Knee",
    "LowerBack",
    "OtherInjury",
    "PlannedRun",
    "Runner",
    "ScoreRequest",
    "Session",
    "Shoes",
    "StrengthTraining",
    "Training",
    "UnknownFields",
    "read_request",
    "settle_request",
]
