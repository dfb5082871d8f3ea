"""One refusal of AWS, two meanings: credentials that are not good, and a thing that is not ours."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from amigate.errors import AwsError
from amigate.sources.aws_errors import aws_errors


@pytest.mark.parametrize(
    "message,said",
    [
        (
            "Not authorized for image:ami-0123456789abcdef0",
            "could not share it: Not authorized for image:ami-0123456789",
        ),
        ("AWS was not able to validate the provided access credentials", "does not accept these credentials"),
    ],
)
def test_an_image_of_somebody_else_is_not_taken_for_bad_credentials(message: str, said: str) -> None:
    refusal = ClientError({"Error": {"Code": "AuthFailure", "Message": message}}, "ModifyImageAttribute")
    with pytest.raises(AwsError) as caught, aws_errors("share it"):
        raise refusal
    assert said in str(caught.value)
