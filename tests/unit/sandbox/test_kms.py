"""KMS as boto3 sees it: keys, aliases, policies, states, grants and signatures."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_der_public_key
from moto.kms.models import kms_backends

from amigate.sandbox import DENIED, Error, Fault
from amigate.sandbox.api import kms_keys
from amigate.sandbox.api.kms_policy import Answer

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Endpoint

OTHER = "999999999999"
MESSAGE = b"the verdict"


def code(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(refused.value.response["Error"]["Code"])


@pytest.fixture
def kms(endpoint: Endpoint) -> Any:
    return endpoint.client("kms")


@pytest.fixture
def key(kms: Any) -> str:
    return str(kms.create_key(Description="images")["KeyMetadata"]["KeyId"])


@pytest.fixture
def foreign() -> Any:
    """Return a key of another account."""
    return kms_backends[OTHER]["us-east-1"].create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None)


def test_a_key_is_found_by_id_arn_and_alias(kms: Any, key: str) -> None:
    made = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (made["KeyUsage"], made["KeyManager"], made["KeyState"]) == ("ENCRYPT_DECRYPT", "CUSTOMER", "Enabled")
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    assert kms.describe_key(KeyId=made["Arn"])["KeyMetadata"]["KeyId"] == key
    assert kms.describe_key(KeyId="alias/mine")["KeyMetadata"]["KeyId"] == key
    alias = made["Arn"].replace(f"key/{key}", "alias/mine")
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == key
    assert key in [each["KeyId"] for each in kms.list_keys()["Keys"]]


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_each_region_has_awss_own_key_for_ebs(endpoint: Endpoint, region: str) -> None:
    kms = endpoint.client("kms", region)
    (alias,) = kms.list_aliases()["Aliases"]
    assert alias["AliasName"] == "alias/aws/ebs"
    found = kms.describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]
    assert (found["KeyManager"], found["KeyId"]) == ("AWS", alias["TargetKeyId"])
    policy = json.loads(kms.get_key_policy(KeyId=found["KeyId"])["Policy"])
    condition = {
        "kms:CallerAccount": endpoint.cloud.settings.account_id,
        "kms:ViaService": f"ec2.{region}.amazonaws.com",
    }
    assert policy["Statement"][0]["Condition"]["StringEquals"] == condition
    assert code(kms.put_key_policy, KeyId=found["KeyId"], Policy=json.dumps(policy)) == "AccessDeniedException"


@pytest.mark.parametrize("name", ["alias/none", "00000000-0000-0000-0000-000000000000", "nonsense"])
def test_a_key_that_is_not_there_is_not_found(kms: Any, name: str) -> None:
    for call in (kms.describe_key, kms.get_key_policy, kms.disable_key, kms.list_grants, kms.schedule_key_deletion):
        assert code(call, KeyId=name) == "NotFoundException"


def test_a_key_of_another_region_is_not_found(endpoint: Endpoint, kms: Any, key: str) -> None:
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    assert code(endpoint.client("kms", "eu-west-1").describe_key, KeyId=arn) == "NotFoundException"


def test_a_policy_is_kept_as_it_was_given(endpoint: Endpoint, kms: Any, key: str) -> None:
    account = endpoint.cloud.settings.account_id
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"}
    org = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
    other = {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*", "Condition": org}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [own, other]})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    assert kms.get_key_policy(KeyId=key)["Policy"] == policy
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    assert kms_keys.allows(arn, account, "kms:CreateGrant") is Answer.YES
    assert kms_keys.allows(arn, OTHER, "kms:Decrypt") is Answer.UNKNOWN
    assert kms_keys.allows(arn, OTHER, "kms:CreateGrant") is Answer.NO
    assert kms_keys.allows(arn[:-1], account, "kms:CreateGrant") is Answer.NO


@pytest.mark.parametrize("policy", ["nonsense", "[]", '{"Statement": 1}', '{"Statement": []}'])
def test_a_policy_that_is_none_or_locks_the_caller_out_is_refused(kms: Any, key: str, policy: str) -> None:
    assert code(kms.put_key_policy, KeyId=key, Policy=policy) == "MalformedPolicyDocumentException"
    assert code(kms.create_key, Policy=policy) == "MalformedPolicyDocumentException"


def test_a_caller_that_gave_a_key_away_may_do_nothing_with_it(endpoint: Endpoint, kms: Any, key: str) -> None:
    endpoint.set_policy(key, OTHER)
    for call in (kms.describe_key, kms.disable_key, kms.get_public_key):
        assert code(call, KeyId=key) == "AccessDeniedException"


def test_a_key_of_another_account_is_there_by_arn_if_its_policy_says_so(
    endpoint: Endpoint, kms: Any, foreign: Any
) -> None:
    assert code(kms.describe_key, KeyId=foreign.id) == "NotFoundException"
    assert code(kms.describe_key, KeyId=foreign.arn) == "AccessDeniedException"
    allowed = {"Effect": "Allow", "Principal": {"AWS": endpoint.cloud.settings.account_id}, "Action": "*"}
    foreign.policy = json.dumps({"Statement": [allowed]})
    assert kms.describe_key(KeyId=foreign.arn)["KeyMetadata"]["AWSAccountId"] == OTHER
    sealed = kms.encrypt(KeyId=foreign.arn, Plaintext=b"secret")["CiphertextBlob"]
    assert kms.decrypt(KeyId=foreign.arn, CiphertextBlob=sealed)["Plaintext"] == b"secret"
    assert code(kms.disable_key, KeyId=foreign.arn) == "AccessDeniedException"


def test_a_disabled_key_does_nothing_until_it_is_enabled(kms: Any, key: str) -> None:
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    kms.disable_key(KeyId=arn)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert code(kms.encrypt, KeyId=key, Plaintext=b"secret") == "DisabledException"
    assert code(kms.decrypt, CiphertextBlob=sealed) == "DisabledException"
    kms.enable_key(KeyId=arn)
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"secret"


def test_a_key_that_is_to_be_deleted_does_nothing(kms: Any, key: str) -> None:
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyId"].endswith(key), answer["KeyState"]) == (True, "PendingDeletion")
    assert code(kms.encrypt, KeyId=key, Plaintext=b"secret") == "KMSInvalidStateException"
    assert code(kms.enable_key, KeyId=key) == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert code(kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=3) == "ValidationException"


def test_a_grant_lets_another_account_use_a_key(kms: Any, key: str) -> None:
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    grantee = f"arn:aws:iam::{OTHER}:root"
    grant = kms.create_grant(KeyId=arn, GranteePrincipal=grantee, Operations=["Decrypt"], Name="receiver")
    (listed,) = kms.list_grants(KeyId=key)["Grants"]
    assert (listed["GrantId"], listed["GranteePrincipal"]) == (grant["GrantId"], grantee)
    assert kms_keys.allows(arn, OTHER, "kms:Decrypt") is Answer.YES
    assert kms_keys.allows(arn, OTHER, "kms:CreateGrant") is Answer.NO
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    assert kms.list_grants(KeyId=key)["Grants"] == []
    assert kms_keys.allows(arn, OTHER, "kms:Decrypt") is Answer.NO


@pytest.mark.parametrize(
    "spec,algorithm",
    [
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512"),
    ],
)
def test_a_signature_of_a_digest_is_one_of_the_message(kms: Any, spec: str, algorithm: str) -> None:
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    digest = hashlib.new(f"sha{algorithm[-3:]}", MESSAGE).digest()
    how = {"KeyId": key, "SigningAlgorithm": algorithm}
    signed = kms.sign(Message=digest, MessageType="DIGEST", **how)["Signature"]
    assert kms.verify(Message=MESSAGE, MessageType="RAW", Signature=signed, **how)["SignatureValid"] is True
    whole = kms.sign(Message=MESSAGE, **how)["Signature"]
    assert kms.verify(Message=digest, MessageType="DIGEST", Signature=whole, **how)["SignatureValid"] is True
    wrong = {"Message": b"another verdict", "Signature": signed, **how}
    assert code(kms.verify, **wrong) == "KMSInvalidSignatureException"
    assert code(kms.sign, Message=b"short", MessageType="DIGEST", **how) == "ValidationException"
    other = "ECDSA_SHA_512" if "RSA" not in algorithm else "ECDSA_SHA_256"
    assert code(kms.sign, KeyId=key, SigningAlgorithm=other, Message=MESSAGE) == "InvalidKeyUsageException"
    check_outside(kms.get_public_key(KeyId=key)["PublicKey"], signed, algorithm)


def check_outside(public_key: bytes, signature: bytes, algorithm: str) -> None:
    """Verify with the public key alone, as a receiver without an account does."""
    public: Any = load_der_public_key(public_key)
    hashed = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[-3:]]
    if algorithm.startswith("ECDSA"):
        public.verify(signature, MESSAGE, ec.ECDSA(hashed))
    elif "PSS" in algorithm:
        public.verify(signature, MESSAGE, padding.PSS(padding.MGF1(hashed), hashed.digest_size), hashed)
    else:
        public.verify(signature, MESSAGE, padding.PKCS1v15(), hashed)


def test_actions_that_are_not_there_say_so_in_kmss_own_words(kms: Any, key: str) -> None:
    assert code(kms.replicate_key, KeyId=key, ReplicaRegion="eu-west-1") == "UnsupportedOperationException"
    assert code(kms.describe_custom_key_stores) == "UnsupportedOperationException"


def test_a_denied_caller_is_told_in_kmss_own_words(endpoint: Endpoint, kms: Any, key: str) -> None:
    with endpoint.watch.faults.add(Fault(service="kms", error=Error(DENIED))):
        assert code(kms.describe_key, KeyId=key) == "AccessDeniedException"


def test_no_message_and_no_plaintext_is_logged(endpoint: Endpoint, kms: Any, key: str) -> None:
    sealed = kms.encrypt(KeyId=key, Plaintext=b"hunter2hunter2")["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=sealed)
    logged = "".join(call.to_json() for call in endpoint.watch.calls.all())
    assert "aHVudGVyMmh1bnRlcjI" not in logged
    assert "hunter2" not in logged
    assert key in logged
