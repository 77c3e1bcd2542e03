//! Resident forms, states, identities, primitives.

use std::collections::HashSet;

use sealbook::ledger::json::Object;
use sealbook::ledger::key::Signer as _;
use sealbook::ledger::time::Timestamp;
use sealbook::vacant::{
    BehaviorBundle, CapabilityCard, CryptoError, ResidentForm, SubstrateSpec, TypeIntegrityError,
    VacantId, VacantLogbook, VacantState, crypto,
};

use crate::{object, signer};

fn resident() -> ResidentForm {
    let key = signer(&"07".repeat(32));
    let identity = VacantId::from_verify_key(key.public_key());
    let spec = SubstrateSpec::new(vec!["client-inherited".to_owned()], Object::new()).unwrap();
    let card = CapabilityCard::new(identity, "é".to_owned(), spec.clone(), 1, None).unwrap();
    let mut logbook = VacantLogbook::new();
    let ts = Timestamp::parse("2026-11-20T16:56:48.5Z").unwrap();
    logbook
        .append("BIRTH", &object("{\"n\": [1.0, 1]}"), &key, ts)
        .unwrap();
    logbook.append("SPAWN", &object("{}"), &key, ts).unwrap();
    ResidentForm {
        identity,
        logbook,
        behavior_bundle: BehaviorBundle::new("be kind".to_owned(), String::new(), Vec::new()),
        substrate_spec: spec,
        runtime_state: VacantState::Local,
        capability_card: Some(card.signed(&key).unwrap()),
        parent_id: Some(VacantId::from_bytes(&[9; 32]).unwrap()),
    }
}

#[test]
fn a_resident_form_is_written_and_read_back_and_verifies_itself() {
    let resident = resident();
    assert!(resident.verify_self());
    let text = resident.to_text().unwrap();
    let read = ResidentForm::parse(text.as_bytes()).unwrap();
    assert_eq!(read, resident);
    assert!(read.verify_self());
    let alone = ResidentForm {
        capability_card: None,
        parent_id: None,
        ..resident
    };
    let text = alone.to_text().unwrap();
    assert_eq!(ResidentForm::parse(text.as_bytes()).unwrap(), alone);
}

#[test]
fn a_resident_form_with_anothers_card_logbook_or_key_does_not_verify() {
    let other = signer(&"08".repeat(32));
    let other_id = VacantId::from_verify_key(other.public_key());
    let good = resident();
    let spec = good.substrate_spec.clone();
    let card = CapabilityCard::new(other_id, String::new(), spec.clone(), 1, None).unwrap();
    let theirs = Some(card.signed(&other).unwrap());
    assert!(
        !ResidentForm {
            capability_card: theirs,
            ..good.clone()
        }
        .verify_self()
    );
    let draft = CapabilityCard::new(good.identity, String::new(), spec, 1, None).unwrap();
    assert!(
        !ResidentForm {
            capability_card: Some(draft),
            ..good.clone()
        }
        .verify_self()
    );
    assert!(
        !ResidentForm {
            identity: other_id,
            ..good.clone()
        }
        .verify_self()
    );
    let entries = good.logbook.entries()[1..].to_vec();
    let cut = VacantLogbook::from_entries(entries);
    assert!(
        !ResidentForm {
            logbook: cut,
            ..good
        }
        .verify_self()
    );
}

#[test]
fn a_resident_file_that_lies_about_its_bundle_is_refused() {
    let resident = resident();
    let hash = resident.behavior_bundle.bundle_hash().to_string();
    let text = resident.to_text().unwrap();
    let lie = text.replace(&hash, &"0".repeat(64));
    let error = ResidentForm::parse(lie.as_bytes()).unwrap_err();
    assert!(matches!(error, TypeIntegrityError::BundleHash { .. }));
    let unstated = text.replace(&hash, "");
    assert_eq!(ResidentForm::parse(unstated.as_bytes()).unwrap(), resident);
    let state = text.replace("\"LOCAL\"", "\"local\"");
    let error = ResidentForm::parse(state.as_bytes()).unwrap_err();
    assert!(matches!(error, TypeIntegrityError::UnknownState(state) if state == "local"));
    let more = text.replacen('{', "{\"more\": 1,", 1);
    let error = ResidentForm::parse(more.as_bytes()).unwrap_err();
    assert!(matches!(error, TypeIntegrityError::Member(_)));
}

#[test]
fn states_allow_what_the_specification_says() {
    let allowed = |may: fn(VacantState) -> bool| -> Vec<&str> {
        let states = VacantState::ALL.into_iter().filter(|state| may(*state));
        states.map(VacantState::as_str).collect()
    };
    assert_eq!(allowed(VacantState::can_be_called), ["LOCAL", "ACTIVE"]);
    assert_eq!(allowed(VacantState::is_runnable), ["LOCAL", "ACTIVE"]);
    assert_eq!(
        allowed(VacantState::can_review),
        ["LOCAL", "ACTIVE", "HIBERNATING"]
    );
    for state in VacantState::ALL {
        assert_eq!(state.as_str().parse::<VacantState>().unwrap(), state);
    }
}

#[test]
fn identities_are_equal_by_their_bytes() {
    let id = VacantId::from_bytes(&[0xab; 32]).unwrap();
    assert_eq!(id.hex(), "ab".repeat(32));
    assert_eq!(id.short(), "abababababab");
    let set: HashSet<VacantId> = [id, VacantId::from_bytes(&[0xab; 32]).unwrap()].into();
    assert_eq!(set.len(), 1);
    let error = VacantId::from_bytes(&[0; 31]).unwrap_err();
    assert!(matches!(error, CryptoError::PublicKeyLength { bytes: 31 }));
}

#[test]
fn signatures_are_judged_and_malformed_ones_are_none() {
    let (signer, key) = crypto::keygen(&zeroize::Zeroizing::new([7; 32]));
    let signature = crypto::sign(b"m", &signer).unwrap();
    assert!(crypto::verify(b"m", signature.as_bytes(), &key));
    assert!(!crypto::verify(b"n", signature.as_bytes(), &key));
    assert!(!crypto::verify(b"m", &signature.as_bytes()[1..], &key));
    let error = crypto::verify_or_raise(b"n", signature.as_bytes(), &key).unwrap_err();
    assert!(matches!(error, CryptoError::SignatureVerification));
    assert_eq!(
        crypto::hex_decode(&crypto::hex_encode(b"\x00\xff")).unwrap(),
        b"\x00\xff"
    );
    assert!(matches!(crypto::hex_decode("0"), Err(CryptoError::Hex(_))));
}
