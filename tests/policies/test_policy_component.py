"""The component that deploys the policies, run whole under mocks."""

from components.admission.admission import AdmissionPolicies
from policies.admission import expressed
from workshop.testing.recording import Recording, record

_API = "kubernetes:admissionregistration.k8s.io/v1"


def deployed() -> Recording:
    return record(lambda: AdmissionPolicies("admission"))


def test_each_rule_that_cel_can_express_is_deployed_with_its_binding() -> None:
    recording = deployed()
    policies = recording.of_type(f"{_API}:ValidatingAdmissionPolicy")
    bindings = recording.of_type(f"{_API}:ValidatingAdmissionPolicyBinding")
    names = {f"oceanid-{name}" for name in expressed()}
    assert {each["metadata"]["name"] for each in policies} == names
    assert {each["spec"]["policyName"] for each in bindings} == names
    for each in policies:
        assert each["spec"]["failurePolicy"] == "Fail"
        assert each["spec"]["validations"][0]["message"].count("Remedy: ") == 1
    for each in bindings:
        assert each["spec"]["validationActions"] == ["Deny", "Audit"]


def test_a_binding_comes_after_its_policy() -> None:
    order = [each.name for each in deployed().resources]
    for name in expressed():
        policy = f"admission-oceanid-{name}"
        assert order.index(policy) < order.index(f"{policy}-binding")
