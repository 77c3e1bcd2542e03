//! Examples of what reads and writes a ledger and its evidence.

use super::Example;

pub(super) const EXAMPLES: &[Example] = &[
    (
        "monitor",
        &[
            "sealbook monitor https://log.example/log --policy policy --state watched",
            "sealbook monitor https://a.example https://b.example --policy policy --state watched --every 60 --prometheus sealbook.prom",
        ],
    ),
    (
        "timestamp",
        &[
            "sealbook timestamp --tsa https://tsa.example/tsr --root tsa-root.pem",
            "sealbook timestamp --check --root tsa-root.pem",
        ],
    ),
    (
        "agent",
        &[
            "sealbook agent --key log.pem --listen /run/sealbook-agent/agent.sock --user 998",
            "sealbook init --key agent:/run/sealbook-agent/agent.sock",
        ],
    ),
    (
        "verify",
        &[
            "sealbook verify evidence.bundle --key key.txt",
            "sealbook verify book.jsonl --key key.txt --contains head.json",
        ],
    ),
    (
        "replay",
        &[
            "sealbook replay --correlation order-7",
            "sealbook replay order-7.bundle --key key.txt",
        ],
    ),
    (
        "report",
        &[
            "sealbook report --correlation order-7 -o order-7.html",
            "sealbook report --extract order-7.html -o order-7.bundle",
        ],
    ),
    (
        "page",
        &[
            "sealbook page -o verify.html",
            "sealbook page -o - | sha256sum",
        ],
    ),
    (
        "export",
        &[
            "sealbook export -o evidence.bundle",
            "sealbook export --correlation order-7 --seal -o order-7.bundle.zst",
        ],
    ),
    (
        "open-field",
        &[
            "sealbook open-field 7 --pointer /customer/email -o email.bundle",
            "sealbook open-field 7 --pointer /a --pointer /b -o two.bundle --force",
        ],
    ),
    (
        "erase",
        &[
            "sealbook erase 7 --pointer /customer/email --reason 'asked for on 2026-03-01' --yes",
            "sealbook erase --tenant acme --pointer /customer/email --dry-run",
        ],
    ),
    (
        "absent",
        &[
            "sealbook absent --correlation order-8 -o order-8.bundle",
            "sealbook absent --tenant zeta --seal -o nothing-of-zeta.bundle",
        ],
    ),
    (
        "audit",
        &[
            "sealbook audit --sign auditor.key.pem -o audit.json",
            "sealbook audit --key key.txt --sign auditor.key.pem -o audit.json",
        ],
    ),
    (
        "prove",
        &[
            "sealbook prove 1 -o entry-1.proof",
            "sealbook prove 1 -o entry-1.tlog-proof --tlog public",
        ],
    ),
    (
        "publish",
        &[
            "sealbook publish --to public --name log.example.com/fleet",
            "sealbook publish --to public",
        ],
    ),
    (
        "head",
        &[
            "sealbook head -o head.json",
            "sealbook head --publish heads.jsonl",
        ],
    ),
    (
        "diff",
        &[
            "sealbook diff ledger copy/ledger",
            "sealbook diff old.checkpoint new.checkpoint --from public --key key.txt",
        ],
    ),
    (
        "import",
        &[
            "sealbook import theirs.bundle --key their-key.txt",
            "sealbook import --list",
        ],
    ),
    ("key", &["sealbook key > key.txt", "sealbook key --vkey"]),
    (
        "key add",
        &[
            "sealbook key add",
            "sealbook key add --second-key second.pem --encrypt-key",
        ],
    ),
    (
        "init",
        &[
            "sealbook init --origin 'acme fleet'",
            "sealbook --ledger /var/lib/acme/ledger init --encrypt-key",
        ],
    ),
    (
        "append",
        &[
            "sealbook append --kind deploy --payload '{\"service\":\"billing\",\"tenant_id\":\"acme\"}'",
            "sealbook append --jsonl events.jsonl > receipts.jsonl",
        ],
    ),
    (
        "seal",
        &["sealbook seal", "sealbook seal --publish headers.jsonl"],
    ),
    (
        "upgrade",
        &["sealbook upgrade", "sealbook upgrade --ledger old --json"],
    ),
    (
        "tail",
        &[
            "sealbook tail --to events.ocsf --format ocsf --name siem",
            "sealbook tail --to syslog:/dev/log --format cef --kind wcp.decision",
        ],
    ),
    (
        "log",
        &[
            "sealbook log --tenant acme --since yesterday",
            "sealbook log --denied --limit 20",
        ],
    ),
    (
        "show",
        &["sealbook show 7", "sealbook show 7 --json | jq .payload"],
    ),
    (
        "stats",
        &["sealbook stats", "sealbook stats --since 24h --tenant acme"],
    ),
    (
        "epochs",
        &["sealbook epochs", "sealbook epochs --json | jq .epoch"],
    ),
    (
        "rotate",
        &["sealbook rotate", "sealbook rotate ledger.2 --encrypt-key"],
    ),
    (
        "revoke",
        &[
            "sealbook revoke 1041 --key recovery.key.pem -o revocation.json",
            "sealbook revoke 1041 --key recovery.key.pem --reason 'the key was stolen'",
        ],
    ),
    (
        "backup",
        &["sealbook backup copy", "sealbook backup copy --link"],
    ),
    (
        "adopt",
        &[
            "sealbook --ledger copy/ledger adopt",
            "sealbook --ledger copy/ledger adopt --json",
        ],
    ),
    (
        "accept-rollback",
        &[
            "sealbook accept-rollback --reason 'disk failed, restored from backup'",
            "sealbook --ledger restored accept-rollback --reason 'restored after the fire'",
        ],
    ),
    (
        "fold",
        &[
            "sealbook --json fold --part --epochs 0..24 s3://acme-logs/hall --key key.txt",
            "sealbook --json fold parts.jsonl",
        ],
    ),
    (
        "bucket check",
        &[
            "sealbook bucket check s3://acme-logs/hall",
            "sealbook bucket check s3://acme-logs/hall --endpoint http://10.0.0.2:7070",
        ],
    ),
    (
        "archive status",
        &[
            "sealbook --bucket s3://acme-logs/hall archive status",
            "sealbook --bucket s3://acme-logs/hall archive status --json",
        ],
    ),
    (
        "fleet status",
        &[
            "sealbook fleet status s3://acme-logs/halls",
            "sealbook --ledger fleet fleet status s3://acme-logs/halls --witness-policy witnesses.policy",
        ],
    ),
    (
        "fleet query",
        &[
            "sealbook fleet query s3://acme-logs/halls --correlation c-1 -o case",
            "sealbook --json fleet query s3://acme-logs/halls --correlation c-1 --key hall.key -o case",
        ],
    ),
    (
        "fleet record",
        &[
            "sealbook --ledger fleet fleet record s3://acme-logs/halls",
            "sealbook --ledger fleet fleet record s3://acme-logs/halls --whole",
        ],
    ),
    (
        "prune",
        &[
            "sealbook --bucket s3://acme-logs/hall prune --witness-policy witnesses.policy",
            "sealbook --bucket s3://acme-logs/hall prune --keep-local 7d --no-witness --yes",
        ],
    ),
    ("doctor", &["sealbook doctor", "sealbook doctor --rate 16"]),
];
