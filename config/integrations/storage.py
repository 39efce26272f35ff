"""Where files live that must outlast the machine: anchors, archives, exports. A folder, or an object storage.

NUMINA_STORAGE_URL chooses: empty for the folder `files` of NUMINA_HOME; `s3://bucket/prefix` for S3 and whatever
speaks its language (`?endpoint=https://minio.bank.example&region=eu-central-1`). The region is where the bank's data
is kept: the residency of data is decided here and with DATABASE_URL, nowhere else. Keys come from the environment or
the machine's role, as boto3 finds them. Files are never public. Each upload asks the storage to encrypt it, with the
storage's own key or with `kms_key`; `encryption=none` is for storages that know no such request and refuse it: then
their disks have to be encrypted.
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from config.env import Env, EnvError

KNOWN = ("endpoint", "region", "kms_key", "encryption")


def storages(env: Env, *, staticfiles: str = "django.contrib.staticfiles.storage.StaticFilesStorage") -> dict[str, Any]:
    """The value of STORAGES. Raises `EnvError` for an address that cannot be read."""
    return {"default": default_storage(env.storage_url), "staticfiles": {"BACKEND": staticfiles}}


def default_storage(url: str) -> dict[str, Any]:
    """The storage that a URL names."""
    if not url:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"file_permissions_mode": 0o600}}
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise EnvError("NUMINA_STORAGE_URL must look like s3://bucket/prefix?region=eu-central-1, or be empty")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = query.keys() - set(KNOWN)
    if unknown:
        raise EnvError(f"NUMINA_STORAGE_URL knows {', '.join(KNOWN)}, not {', '.join(sorted(unknown))}")
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": parts.netloc,
            "location": parts.path.strip("/"),
            "endpoint_url": query.get("endpoint"),
            "region_name": query.get("region"),
            "default_acl": None,
            "file_overwrite": False,
            "querystring_auth": True,
            "object_parameters": _encryption(query),
        },
    }


def _encryption(query: dict[str, str]) -> dict[str, str]:
    """What each upload asks the storage to do with it."""
    match query.get("encryption", ""), query.get("kms_key", ""):
        case "", "":
            return {"ServerSideEncryption": "AES256"}
        case "", key:
            return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        case "none", "":
            return {}
    raise EnvError("NUMINA_STORAGE_URL: encryption is none, or left out; and not none with a kms_key")
