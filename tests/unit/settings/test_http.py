from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from monitor.settings import Settings

Load = Callable[..., Settings]
Errors = Callable[..., list[str]]

CONFIG = """
projects:
  p:
    api_key: k
    http_config:
      tls_config: {ca_file: tls/ca.pem, cert_file: tls/cert.pem, key_file: tls/key.pem}
"""
LOCKED = """-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhV7EhV99+AhwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEALi7y+muXoo2Glif+NrSboEQFLG
ucV+jd1kQKGylYxU1b1BC6QxcGBwqjjolF/fg739HB/+H3ZPm2WzN0rKUajlBSTW
seqIwc/JsbWuY7G6qXY=
-----END ENCRYPTED PRIVATE KEY-----
"""


@pytest.fixture
def issue(tmp_path: Path) -> Callable[[], None]:
    """Return a function that writes an authority, a certificate and its key into tls/, other ones each time."""
    directory = tmp_path / "tls"
    directory.mkdir()

    def write() -> None:
        authority = trustme.CA()
        client = authority.issue_cert("client.example")
        authority.cert_pem.write_to_path(str(directory / "ca.pem"))
        client.cert_chain_pems[0].write_to_path(str(directory / "cert.pem"))
        client.private_key_pem.write_to_path(str(directory / "key.pem"))

    write()
    return write


Issue = Callable[[], None]


def test_files_start_from_the_config_file(load_text: Load, issue: Issue, tmp_path: Path) -> None:
    """Certificates and keys are found beside the config file."""
    tls = load_text(CONFIG).projects["p"].http_config.tls_config
    files = [file.path for file in (tls.ca_file, tls.cert_file, tls.key_file) if file]
    assert files == [tmp_path / f"tls/{name}.pem" for name in ("ca", "cert", "key")]


def test_another_certificate_is_another_setting(load_text: Load, issue: Issue) -> None:
    """What a reload compares, dumped or not, differs once the files were replaced, and only then."""
    before = load_text(CONFIG)
    assert load_text(CONFIG) == before
    issue()
    after = load_text(CONFIG)
    assert after != before
    assert after.projects["p"].model_dump() != before.projects["p"].model_dump()


def test_says_that_key_and_certificate_do_not_belong_together(errors_of: Errors, issue: Issue, tmp_path: Path) -> None:
    """The key of another certificate is refused when the file is loaded."""
    key = tmp_path / "tls/key.pem"
    other = trustme.CA().issue_cert("client.example").private_key_pem.bytes()
    key.write_bytes(other)
    assert errors_of(CONFIG) == [
        "monitor.yml:6:66: projects.p.http_config.tls_config.key_file: is not the key of the certificate in cert_file"
    ]


def test_a_key_with_a_passphrase_is_refused(errors_of: Errors, issue: Issue, tmp_path: Path) -> None:
    """A key that would need somebody to type its passphrase is refused when the file is loaded."""
    (tmp_path / "tls/key.pem").write_text(LOCKED)
    (error,) = errors_of(CONFIG)
    assert error.endswith("cannot be used with cert_file: both should be PEM, and the key without a passphrase")


@pytest.mark.parametrize("key", ["proxy_url", "proxy_url_file"])
def test_the_proxy_may_hold_a_password(load_text: Load, tmp_path: Path, key: str) -> None:
    """The address of the proxy is a secret, and may stand in a file."""
    address = "http://me:s3cr3t@proxy.example:3128"
    (tmp_path / "proxy").write_text(f"{address}\n")
    value = address if key == "proxy_url" else "proxy"
    settings = load_text(f"projects: {{p: {{api_key: k, http_config: {{{key}: '{value}'}}}}}}")
    proxy = settings.projects["p"].http_config.proxy_url
    assert proxy is not None
    assert proxy.get_secret_value() == address
    assert address in settings.secrets()
    assert "s3cr3t" not in repr(settings)


def test_warns_of_servers_that_are_not_checked(load_text: Load) -> None:
    """Skipping the check of certificates is allowed, and said."""
    settings = load_text("projects: {p: {api_key: k, http_config: {tls_config: {insecure_skip_verify: true}}}}")
    assert settings.warnings == (
        "projects.p.http_config.tls_config.insecure_skip_verify: anybody in between can read the credential",
    )
