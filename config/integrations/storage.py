"""Where files live that must outlast the machine: anchors, archives, exports. A folder, or an object storage.

NUMINA_STORAGE_URL chooses: empty for the folder `files` of NUMINA_HOME; `s3://bucket/prefix` for S3 and whatever
speaks its language (`?endpoint=https://minio.bank.example&region=eu-central-1`). The region is where the bank's data
is kept: the residency of data is decided here and with DATABASE_URL, nowhere else. Keys come from the environment or
the machine's role, as boto3 finds them. Files are never public, and are encrypted by the storage.
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from config.env import Env, EnvError


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
    unknown = query.keys() - {"endpoint", "region", "kms_key"}
    if unknown:
        raise EnvError(f"NUMINA_STORAGE_URL knows endpoint, region and kms_key, not {', '.join(sorted(unknown))}")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": query["kms_key"]} if "kms_key" in query else {}
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
            "object_parameters": encryption or {"ServerSideEncryption": "AES256"},
        },
    }
