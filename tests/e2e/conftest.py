"""One lab for all end-to-end tests, and one with the stack deployed."""

from tests.e2e.lab_fixture import lab_fixture

# Nothing is deployed on it by this fixture.
fleet = lab_fixture(scope="session")
# No test changes it for the next one. Not the lab of `fleet`: tests of that one put policies there
# and take them away.
deployed = lab_fixture(scope="session", deployed=True)
