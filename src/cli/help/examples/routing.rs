//! Examples of routing, packages, the server and what is about the program itself.

use super::Example;

pub(super) const EXAMPLES: &[Example] = &[
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
            "sealbook manifest build cache --key builder.key.pem",
            "sealbook manifest build cache --key builder.key.pem --ignore '*.tmp'",
        ],
    ),
    (
        "manifest verify",
        &[
            "sealbook manifest verify cache --trusted-key builder.pem",
            "sealbook manifest verify cache --trusted-key builder.pem --no-record",
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
