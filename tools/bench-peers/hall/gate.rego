package wcp

default gate := {"decision": "DENY", "policy_version": "p1", "reason": "unknown tenant"}

gate := {"decision": "ALLOW", "policy_version": "p1", "reason": "a customer"} if input.tenant_id == "acme"
