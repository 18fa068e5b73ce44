"""Who may ask in the sandbox: two agencies, their portals, a client for outside tools.

What lives here: the import file of the sandbox, made for the addresses in use.  It is an ordinary
one, as `antin clients import` takes it, so that it can be read as an example.
"""

from __future__ import annotations

from string import Template
from typing import Final

CITIZEN: Final = "cong-dich-vu-cong"
BUSINESS: Final = "cong-doanh-nghiep"
TOOLS: Final = "cong-cu-thu-nghiem"
RESOURCE: Final = "ho-so-api"

_DOCUMENT: Final = Template("""
[[controllers]]
controller_id = "so-xay-dung"
name_vi = "Sở Xây dựng (mô phỏng)"
name_en = "Department of Construction (simulated)"
dpo_email = "dulieu@soxaydung.example"

[[controllers]]
controller_id = "phong-dang-ky"
name_vi = "Phòng Đăng ký kinh doanh (mô phỏng)"
name_en = "Business Registration Office (simulated)"
dpo_email = "dulieu@dangky.example"

[[sectors]]
sector_id = "xay-dung"
controller_id = "so-xay-dung"
name_vi = "Xây dựng"
name_en = "Construction"

[[sectors]]
sector_id = "doanh-nghiep"
controller_id = "phong-dang-ky"
name_vi = "Doanh nghiệp"
name_en = "Business"

[[clients]]
client_id = "$citizen"
client_secret = "$citizen_secret"
name_vi = "Cổng dịch vụ công"
name_en = "Public service portal"
sector_id = "xay-dung"
redirect_uris = ["$citizen_url/callback"]
post_logout_redirect_uris = ["$citizen_url/signed-out"]
backchannel_logout_uri = "$citizen_url/backchannel-logout"
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
scopes = ["openid", "profile", "identity", "sign"]
resources = ["$issuer/sign"]
required_level = 2
capacities = "person_only"

[[clients.purposes]]
scope = "profile"
purpose_vi = "Điền sẵn hồ sơ"
purpose_en = "Filling in your application"
retention_vi = "5 năm sau khi kết thúc hồ sơ"
retention_en = "5 years after the case ends"

[[clients.purposes]]
scope = "identity"
purpose_vi = "Xác định người nộp hồ sơ"
purpose_en = "Knowing who applies"
retention_vi = "5 năm sau khi kết thúc hồ sơ"
retention_en = "5 years after the case ends"

[[clients]]
client_id = "$business"
client_secret = "$business_secret"
name_vi = "Cổng doanh nghiệp"
name_en = "Business portal"
sector_id = "doanh-nghiep"
redirect_uris = ["$business_url/callback"]
post_logout_redirect_uris = ["$business_url/signed-out"]
backchannel_logout_uri = "$business_url/backchannel-logout"
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
scopes = ["openid", "profile", "organization", "sign"]
resources = ["$issuer/sign"]

[[clients.purposes]]
scope = "profile"
purpose_vi = "Biết ai nộp hồ sơ cho tổ chức"
purpose_en = "Knowing who files for the organisation"
retention_vi = "10 năm"
retention_en = "10 years"

[[clients.purposes]]
scope = "organization"
purpose_vi = "Giải quyết thủ tục cho tổ chức"
purpose_en = "Handling the organisation's case"
retention_vi = "10 năm"
retention_en = "10 years"

[[clients]]
client_id = "$tools"
client_secret = "$tools_secret"
name_vi = "Công cụ thử nghiệm"
name_en = "Outside tool"
sector_id = "xay-dung"
redirect_uris = ["http://localhost:9999/callback", "http://127.0.0.1:9999/callback"]
post_logout_redirect_uris = ["http://localhost:9999/signed-out", "http://127.0.0.1:9999/signed-out"]
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
scopes = [
  "openid", "profile", "email", "phone", "address", "identity", "organization",
  "offline_access", "ho_so.doc", "sign",
]
resources = ["$issuer/sandbox/ho-so", "$issuer/sign"]
capacities = "any"

[[clients]]
client_id = "$resource"
client_secret = "$resource_secret"
name_vi = "Kho hồ sơ (API)"
name_en = "Case store (API)"
sector_id = "xay-dung"
redirect_uris = []
grant_types = ["client_credentials"]
scopes = ["openid"]

[[resource_servers]]
identifier = "$issuer/sandbox/ho-so"
name_vi = "Kho hồ sơ"
name_en = "Case store"
sector_id = "xay-dung"
client_id = "$resource"
scopes = ["ho_so.doc"]

[[resource_servers]]
identifier = "$issuer/sign"
name_vi = "Ký số văn bản"
name_en = "Signing of documents"
sector_id = "xay-dung"
client_id = "$resource"
scopes = ["sign"]

[[resource_servers]]
identifier = "$issuer/userinfo"
name_vi = "Thông tin người dùng"
name_en = "Userinfo"
sector_id = "xay-dung"
client_id = "$resource"
""")


def sandbox_document(
    *, issuer: str, citizen_url: str, business_url: str, secrets: dict[str, str]
) -> bytes:
    """The import file.  `secrets` holds one for each of the four client ids."""
    return _DOCUMENT.substitute(
        issuer=issuer,
        citizen=CITIZEN,
        business=BUSINESS,
        tools=TOOLS,
        resource=RESOURCE,
        citizen_url=citizen_url,
        business_url=business_url,
        citizen_secret=secrets[CITIZEN],
        business_secret=secrets[BUSINESS],
        tools_secret=secrets[TOOLS],
        resource_secret=secrets[RESOURCE],
    ).encode()
