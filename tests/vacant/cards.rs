//! Cards, substrate specifications and bundles.

use sealbook::ledger::json::{Object, Value};
use sealbook::ledger::key::Signer as _;
use sealbook::vacant::{
    BehaviorBundle, CapabilityCard, CoreError, SubstrateSpec, TypeIntegrityError, VacantId,
};

use crate::{at, cases, object, signer, text};

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().unwrap().iter();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

fn card(case: &Value) -> CapabilityCard {
    let policy = object(text(case, "card.policy_json"));
    let substrates = strings(at(case, "card.allowed_substrates"));
    let spec = SubstrateSpec::new(substrates, policy).unwrap();
    let key = signer(text(case, "seed")).public_key();
    let endpoint = at(case, "card.endpoint").as_str().map(str::to_owned);
    let version = at(case, "card.halo_version").as_u64().unwrap();
    let words = text(case, "card.capability_text").to_owned();
    CapabilityCard::new(
        VacantId::from_verify_key(key),
        words,
        spec,
        version,
        endpoint,
    )
    .unwrap()
}

#[test]
fn every_card_has_the_reference_bytes_and_signature() {
    let cases = cases("cards.jsonl");
    assert!(cases.len() >= 30);
    for case in &cases {
        let id = text(case, "id");
        let draft = card(case);
        assert_eq!(draft.vacant_id().hex(), text(case, "public_key"), "{id}");
        let substrate = String::from_utf8(draft.substrate_spec().canonical_bytes()).unwrap();
        assert_eq!(substrate, text(case, "expect.substrate_canonical"), "{id}");
        let payload = hex::encode(draft.signing_payload());
        assert_eq!(payload, text(case, "expect.signing_payload"), "{id}");
        assert!(!draft.verify(), "{id}: a draft");
        let signed = draft.signed(&signer(text(case, "seed"))).unwrap();
        let signature = signed.signature().unwrap().to_string();
        assert_eq!(signature, text(case, "expect.signature"), "{id}");
        assert!(signed.verify(), "{id}");
        let file = signed.to_text();
        assert_eq!(
            CapabilityCard::parse(file.as_bytes()).unwrap(),
            signed,
            "{id}"
        );
        assert_eq!(
            CapabilityCard::parse(draft.to_text().as_bytes()).unwrap(),
            draft,
            "{id}"
        );
    }
}

#[test]
fn every_bundle_has_the_reference_hash_in_whatever_order_its_tools_stand() {
    for case in cases("cards.jsonl") {
        let expected = text(&case, "expect.bundle_hash");
        let mut tools = strings(at(&case, "bundle.tool_whitelist"));
        let bundle = |tools: &[String]| {
            let prompt = text(&case, "bundle.system_prompt").to_owned();
            BehaviorBundle::new(
                prompt,
                text(&case, "bundle.policy_dsl").to_owned(),
                tools.to_vec(),
            )
        };
        let given = bundle(&tools);
        assert_eq!(given.bundle_hash().to_string(), expected);
        tools.reverse();
        assert_eq!(bundle(&tools).bundle_hash(), given.bundle_hash());
        assert!(given.clone().checked(&given.bundle_hash()).is_ok());
        let other = sealbook::ledger::hash::Hash::ZERO;
        let error = given.checked(&other).unwrap_err();
        assert!(matches!(error, TypeIntegrityError::BundleHash { stated, .. } if stated == other));
    }
}

#[test]
fn any_change_to_a_signed_card_shows() {
    let key = signer(&"07".repeat(32));
    let spec = SubstrateSpec::new(vec!["a".to_owned()], Object::new()).unwrap();
    let id = VacantId::from_verify_key(key.public_key());
    let endpoint = Some("https://a.example".to_owned());
    let card = CapabilityCard::new(id, "translates".to_owned(), spec, 1, endpoint).unwrap();
    let text = card.signed(&key).unwrap().to_text();
    let changes = [
        ("translates", "translated"),
        ("\"a\"", "\"b\""),
        ("\"halo_version\": 1", "\"halo_version\": 2"),
        ("https://a.", "https://b."),
    ];
    for (from, to) in changes {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert!(
            !CapabilityCard::parse(changed.as_bytes()).unwrap().verify(),
            "{from}"
        );
    }
    let foreign = card.signed(&signer(&"08".repeat(32))).unwrap_err();
    assert!(matches!(
        foreign,
        CoreError::TypeIntegrity(TypeIntegrityError::ForeignKey)
    ));
}

#[test]
fn values_that_break_a_rule_are_refused_by_name() {
    let spec = |name: &str| SubstrateSpec::new(vec!["a".into(), name.into()], Object::new());
    for blank in ["", " ", "\t\u{a0}"] {
        let error = spec(blank).unwrap_err();
        assert!(matches!(
            error,
            TypeIntegrityError::BlankSubstrate { index: 1 }
        ));
    }
    let id = VacantId::from_bytes(&[1; 32]).unwrap();
    let card = |words: &str, version, endpoint: &str| {
        let spec = spec("b").unwrap();
        CapabilityCard::new(
            id,
            words.to_owned(),
            spec,
            version,
            Some(endpoint.to_owned()),
        )
    };
    assert!(matches!(
        card("x", 0, ""),
        Err(TypeIntegrityError::HaloVersion)
    ));
    for (words, endpoint, at) in [
        ("\u{1f}", "", "capability_text"),
        ("", "\u{85}", "endpoint"),
    ] {
        let error = card(words, 1, endpoint).unwrap_err();
        assert!(
            matches!(error, TypeIntegrityError::ControlCharacter { member, .. } if member == at)
        );
    }
}
