"""The shapes of keys that well-known services hand out: a beginning of their own, then random characters.

From the services' own documentation and from what GitHub's secret scanning lists. Each counts where no letter or
digit stands before it. `BEGINNINGS` is what a text with one of them must contain.
"""

import re

_KEYS = (
    rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",  # AWS
    rb"gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}",
    rb"gl(?:pat|ptt|dt|rt|cbt|oas|soat|agent|ft|imt)-[A-Za-z0-9_.-]{20,}",  # GitLab
    rb"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,}",  # Stripe
    rb"xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}",  # Slack
    rb"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}",
    rb"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_.-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{30,}",  # Google
    rb"npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{50,}|rubygems_[0-9a-f]{40,}|dckr_[po]at_[A-Za-z0-9_-]{20,}",
    rb"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|key-[0-9a-f]{32}|[0-9a-f]{32}-us[0-9]{1,2}",  # SendGrid, Mailgun
    rb"(?:AC|SK)[0-9a-f]{32}",  # Twilio
    rb"sk-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}",  # OpenAI and its kin
    rb"do[opr]_v1_[0-9a-f]{40,}|shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{30,}|sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{20,}",
    rb"[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}",  # Telegram
    rb"hv[sbr]\.[A-Za-z0-9_-]{20,}|dapi[0-9a-f]{32}|dp\.[a-z]{2,5}\.[A-Za-z0-9]{30,}",  # Vault, Databricks, Doppler
    rb"ATATT3[A-Za-z0-9_=-]{40,}|lin_(?:api|oauth)_[A-Za-z0-9]{30,}|ntn_[A-Za-z0-9]{30,}|secret_[A-Za-z0-9]{40,}",
    rb"gl(?:sa|c)_[A-Za-z0-9_=+/]{30,}|NRAK-[A-Z0-9]{20,}|PMAK-[0-9a-f-]{40,}|sbp_[0-9a-f]{40}",
    rb"EAA[A-Za-z0-9]{30,}|LTAI[A-Za-z0-9]{12,}|AGE-SECRET-KEY-1[A-Z0-9]{50,}",  # Facebook, Alibaba, age
)
SERVICE_KEY = rb"|".join(_KEYS)

BEGINNINGS = (
    rb"A[KSBC]IA[A-Z0-9]|ACCA[A-Z0-9]|gh[oprsu]_|github_pat_|gl(?:pat|ptt|dt|rt|cbt|oas|soat|agent|ft|imt)-"
    rb"|[sr]k_(?:live|test)_|whsec_|xox[a-z]-|xapp-|hooks\.slack\.com/|AIza|ya29\.|GOCSPX-|1//0|npm_|pypi-|rubygems_"
    rb"|dckr_[po]at_|SG\.[A-Za-z0-9_-]|key-[0-9a-f]|-us[0-9]|(?:AC|SK)[0-9a-f]{8}|sk-[A-Za-z0-9_-]|hf_|gsk_|r8_"
    rb"|do[opr]_v1_|shp(?:at|ca|pa|ss)_|sq0(?:atp|csp|idp)-|[0-9]:AA|hv[sbr]\.|dapi[0-9a-f]{8}|dp\.[a-z]|ATATT3"
    rb"|lin_(?:api|oauth)_|ntn_|secret_|gl(?:sa|c)_|NRAK-|PMAK-|sbp_|EAA[A-Za-z0-9]|LTAI|AGE-SECRET"
)

AWS_KEY_ID = re.compile(rb"A[KS]IA[A-Z0-9]{16}")
AWS_SECRET = re.compile(
    rb"(?<![A-Za-z0-9/+])(?=[A-Za-z0-9/+]{0,39}[A-Z])(?=[A-Za-z0-9/+]{0,39}[g-z])"
    rb"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
)
"""The secret that belongs to a key id has no beginning; it is looked for in texts that hold a key id."""
