"""Faults as people write them on the command line."""

from __future__ import annotations

import pytest

from amigate.errors import UsageError
from amigate.sandbox import DENIED, Error, Fault
from amigate.sandbox.fault_text import parse

MEANINGS = {
    "RunInstances=Unavailable": Fault("RunInstances", error=Error("Unavailable")),
    "RunInstances:2=InsufficientInstanceCapacity": Fault(
        "RunInstances", nth=2, error=Error("InsufficientInstanceCapacity")
    ),
    "Describe*:3+=InvalidAMIID.NotFound": Fault("Describe*", nth=3, times=None, error=Error("InvalidAMIID.NotFound")),
    "*:1+=denied": Fault("*", times=None, error=Error(DENIED)),
    "CreateTags=delay:2.5": Fault("CreateTags", delay_s=2.5),
    "CreateTags=drop": Fault("CreateTags", drop="before"),
    "CreateTags:4=drop-after": Fault("CreateTags", nth=4, drop="after"),
}


@pytest.mark.parametrize("text", MEANINGS)
def test_each_form_means_one_fault(text: str) -> None:
    assert parse(text) == MEANINGS[text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RunInstances",
        "RunInstances=",
        "=Unavailable",
        "RunInstances:0=Unavailable",
        "RunInstances:-1=Unavailable",
        "RunInstances:x=Unavailable",
        "RunInstances:+=Unavailable",
        "RunInstances=delay",
        "RunInstances=delay:",
        "RunInstances=delay:-1",
        "RunInstances=delay:1e9",
        "RunInstances=delay:nan",
        "RunInstances=drop-now!",
        "RunInstances=two words",
        "RunInstances=<Code>",
        "Run Instances=Unavailable",
        "RunInstances:2=Unavailable\n",
    ],
)
def test_whatever_else_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert refused.value.hint
