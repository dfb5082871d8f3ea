"""Files of credentials: what registers runners and agents with their servers."""

from __future__ import annotations

from functools import partial

from amigate.detect.credentials.kind import XML, Kind, any_of, filled, form, holding, named
from amigate.detect.hits import Sort

_kind = partial(Kind, sort=Sort.AGENT)

KINDS = (
    _kind(detail="a runner of GitHub's is registered", names=".credentials_rsaparams", read=filled),
    _kind(
        detail="a runner is registered", names=".credentials", read=any_of(holding(b'"scheme"'), holding(b'"Scheme"'))
    ),
    _kind(
        detail="a runner is registered",
        names=".runner .agent",
        read=any_of(holding(b'"agentId"'), holding(b'"AgentId"'), holding(b'"uuid"')),
    ),
    _kind(
        detail="a runner of GitLab is registered", names="config.toml", folder=r"gitlab-runner/$", read=named("token")
    ),
    _kind(detail="an agent's token", names="buildkite-agent.cfg", read=named("token")),
    _kind(detail="Jenkins's secret", names="master.key hudson.util.Secret identity.key.enc", read=filled),
    _kind(detail="Jenkins's credentials", names="credentials.xml", folder=r"(?i)jenkins", read=form(XML)),
    _kind(
        detail="an agent's token",
        names="launch-agent-config.yaml circleci-runner-config.yaml buildAgent.properties",
        read=named(r"auth_token|authorizationToken"),
    ),
    _kind(
        detail="an agent's key",
        names=(
            "datadog.yaml datadog.conf newrelic-infra.yml newrelic.ini newrelic.cfg nrsysmond.cfg "
            "newrelic.yml scalyr.json user.properties sumo.conf agent.json grafana-agent.yaml "
            "cloudwatch.conf"
        ),
        folder=r"^/(?:etc|opt|var/lib)/",
        read=named(r"api_key|license_key|newrelic\.license|accesskey|access_?key|enrollment_token|api-key"),
    ),
    _kind(
        detail="an agent's key by which the server knows it",
        names="client.keys authd.pass",
        folder=r"/(?:ossec|wazuh[^/]*)/",
        read=filled,
    ),
    _kind(detail="an agent is registered, with an id", names="falconstore", read=filled),
    _kind(
        detail="a registration with Systems Manager",
        names="registration RegistrationKey",
        folder=r"/amazon(?:-ssm-agent)?/",
        read=filled,
    ),
    _kind(detail="a registration with CodeDeploy", names="codedeploy.onpremises.yml", read=filled),
    _kind(
        detail="an agent is enrolled", names="fleet.enc fleet.yml state.enc", folder=r"(?i)elastic.?agent/", read=filled
    ),
    _kind(
        detail="Splunk's secret or id",
        names="splunk.secret instance.cfg passwd",
        folder=r"/splunk[^/]*/etc/",
        read=filled,
    ),
    _kind(
        detail="an agent is enrolled",
        names=("mdatp_onboard.json device.token claimed_id enroll_secret osquery.secret registration_token host_uuid"),
        folder=r"^/(?:etc|opt|var/lib)/",
        read=filled,
    ),
    _kind(detail="a key that agent and server share", names="*.psk", folder=r"/zabbix", read=filled),
)
