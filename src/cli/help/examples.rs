//! Two examples of each command.

/// The command's name, with that of its parent, and lines for a shell.
pub(super) const EXAMPLES: &[(&str, &[&str])] = &[
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
    (
        "route",
        &[
            "sealbook route --capability cap.doc.summarize --tenant-id acme --rules rules.json",
            "sealbook route --input request.json --rules rules.json --policy gate.rego",
        ],
    ),
    (
        "decide",
        &[
            "sealbook decide requests.jsonl > decisions.jsonl",
            "sealbook decide requests.jsonl --record",
        ],
    ),
    (
        "rules lint",
        &[
            "sealbook rules lint rules.json",
            "sealbook rules lint rules.json --json",
        ],
    ),
    (
        "validate",
        &[
            "sealbook validate --rules rules.json --tests tests.json",
            "sealbook validate --rules rules.json --tests tests.json --json",
        ],
    ),
    (
        "worker confirm",
        &[
            "sealbook worker confirm org.acme.summarizer --sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --why 'read and approved'",
            "sealbook worker confirm org.acme.summarizer --sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --why 'build 41' --registry-dir enrolled",
        ],
    ),
    (
        "worker revoke",
        &[
            "sealbook worker revoke org.acme.summarizer --why 'leaked data'",
            "sealbook worker revoke org.acme.summarizer --why 'retired' --registry-dir enrolled",
        ],
    ),
    (
        "worker restore",
        &[
            "sealbook worker restore org.acme.summarizer --why 'revoked by mistake'",
            "sealbook worker restore org.acme.summarizer --why 'fixed' --registry-dir enrolled",
        ],
    ),
    (
        "worker ban",
        &[
            "sealbook worker ban --worker-id org.acme.summarizer --why 'malicious'",
            "sealbook worker ban --namespace org.evil --why 'malicious'",
        ],
    ),
    (
        "worker lift-ban",
        &[
            "sealbook worker lift-ban --worker-id org.acme.summarizer --why 'a mistake'",
            "sealbook worker lift-ban --namespace org.evil --why 'sold to others'",
        ],
    ),
    (
        "search",
        &[
            "sealbook search summarize",
            "sealbook search summarize --type cap --limit 5",
        ],
    ),
    (
        "explain",
        &[
            "sealbook explain cap.doc.summarize",
            "sealbook explain cap.doc.summarize --catalog catalog.json",
        ],
    ),
    ("browse", &["sealbook browse", "sealbook browse --type cap"]),
    (
        "dispatch",
        &[
            "sealbook dispatch cap.doc.summarize",
            "sealbook dispatch cap.doc.summarize --rules rules.json --env prod",
        ],
    ),
    (
        "build",
        &[
            "sealbook build",
            "sealbook build --defaults --worker-id org.acme.summarizer --worker-species-id wrk.doc.summarizer --capability cap.doc.summarize",
        ],
    ),
    (
        "enroll",
        &[
            "sealbook enroll summarizer/registry_record.json",
            "sealbook enroll summarizer/registry_record.json --registry-dir enrolled",
        ],
    ),
    (
        "status",
        &["sealbook status", "sealbook status --registry-dir enrolled"],
    ),
    (
        "package scaffold",
        &[
            "sealbook package scaffold summarizer",
            "sealbook package scaffold summarizer --json",
        ],
    ),
    (
        "package hash",
        &[
            "sealbook package hash summarizer",
            "sealbook package hash summarizer --json",
        ],
    ),
    (
        "package sign",
        &[
            "sealbook package sign summarizer --worker-id org.acme.summarizer --worker-species-id wrk.doc.summarizer",
            "sealbook package sign summarizer --worker-id org.acme.summarizer --worker-species-id wrk.doc.summarizer --key ledger.key.pem",
        ],
    ),
    (
        "package verify",
        &[
            "sealbook package verify summarizer --worker-id org.acme.summarizer --worker-species-id wrk.doc.summarizer",
            "sealbook package verify summarizer --worker-id org.acme.summarizer --worker-species-id wrk.doc.summarizer --require-ed25519 --trusted-key key.txt",
        ],
    ),
    (
        "manifest build",
        &[
            "sealbook manifest build cache --key ledger.key.pem",
            "sealbook manifest build cache --key ledger.key.pem --ignore '*.tmp'",
        ],
    ),
    (
        "manifest verify",
        &[
            "sealbook manifest verify cache --trusted-key key.txt",
            "sealbook manifest verify cache --trusted-key key.txt --no-record",
        ],
    ),
    (
        "card sign",
        &[
            "sealbook card sign card.json --key agent.key.pem",
            "sealbook card sign card.json --key agent.key.pem -o signed-card.json",
        ],
    ),
    (
        "card verify",
        &[
            "sealbook card verify signed-card.json --key agent-key.txt",
            "sealbook card verify signed-card.json --key agent-key.txt --correlation-id order-7",
        ],
    ),
    (
        "resident verify",
        &[
            "sealbook resident verify resident.json --key agent-key.txt",
            "sealbook resident verify resident.json --key agent-key.txt --json",
        ],
    ),
    (
        "registry verify",
        &[
            "sealbook registry verify org.acme.summarizer",
            "sealbook registry --registry https://hall.example verify org.acme.summarizer",
        ],
    ),
    (
        "registry ban-list",
        &[
            "sealbook registry ban-list",
            "sealbook registry ban-list --json",
        ],
    ),
    (
        "registry health",
        &[
            "sealbook registry health",
            "sealbook registry --registry https://hall.example health",
        ],
    ),
    (
        "registry report",
        &[
            "sealbook registry report 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --reason 'opens a shell'",
            "sealbook registry report 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --reason 'opens a shell' --evidence-url https://acme.example/42",
        ],
    ),
    (
        "registry attest",
        &[
            "sealbook registry attest org.acme.summarizer --package summarizer",
            "sealbook registry attest org.acme.summarizer --package summarizer --label 'build 41'",
        ],
    ),
    (
        "serve",
        &[
            "sealbook serve --rules rules.json --registry-dir enrolled",
            "sealbook serve --host 0.0.0.0 --token-file tokens.jsonl --tls-cert cert.pem --tls-key key.pem",
        ],
    ),
    (
        "token new",
        &[
            "sealbook token new --scope read --name auditor --days 30",
            "sealbook token new --scope append --scope route --name ci",
        ],
    ),
    (
        "token list",
        &["sealbook token list", "sealbook token list --json"],
    ),
    (
        "token revoke",
        &[
            "sealbook token revoke 3f2a",
            "sealbook token revoke 3f2a --token-file tokens.jsonl",
        ],
    ),
    (
        "schema",
        &[
            "sealbook schema verify",
            "sealbook schema rules lint > lint.schema.json",
        ],
    ),
    (
        "format",
        &["sealbook format > format.html", "sealbook format --json"],
    ),
    (
        "conformance",
        &[
            "sealbook conformance python3 tools/verify.py",
            "sealbook conformance --rule E3 --rule E4 ./verify-go",
        ],
    ),
    ("codes", &["sealbook codes", "sealbook codes --json"]),
    (
        "completions",
        &[
            "sealbook completions bash > /etc/bash_completion.d/sealbook",
            "sealbook completions zsh > _sealbook",
        ],
    ),
    (
        "man",
        &[
            "sealbook man man1",
            "sealbook man /usr/local/share/man/man1",
        ],
    ),
    ("version", &["sealbook version", "sealbook version --json"]),
];
