//! The signature around a timestamp (RFC 5652), and whose it is (RFC 5280).

use std::time::Duration;

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest};
use cms::cert::CertificateChoices;
use cms::cert::x509::Certificate;
use cms::cert::x509::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedAttributes, SignedData, SignerIdentifier, SignerInfo};
use der::asn1::OctetString;
use der::oid::{AssociatedOid as _, ObjectIdentifier};
use der::{Any, Decode as _, Encode as _, Sequence, Tag, Tagged as _};
use pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::aws_lc_rs as algorithms;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_tsp::TstInfo;

use super::{MOST_BYTES, SHA_256, TimestampError};

type Algorithms = [&'static dyn SignatureVerificationAlgorithm];

const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
/// The same as webpki wants it: the value of its DER.
const TIME_STAMPING_VALUE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

/// `ESSCertID` of RFC 2634, whose hash is SHA-1.
#[derive(Sequence)]
struct CertId {
    hash: OctetString,
    #[asn1(optional = "true")]
    _issuer: Option<Any>,
}

/// `ESSCertIDv2` of RFC 5035, whose hash is SHA-256 where none is named.
#[derive(Sequence)]
struct CertIdV2 {
    #[asn1(optional = "true")]
    algorithm: Option<cms::cert::x509::spki::AlgorithmIdentifier<Any>>,
    hash: OctetString,
    #[asn1(optional = "true")]
    _issuer: Option<Any>,
}

#[derive(Sequence)]
struct SigningCertificate {
    certificates: Vec<CertId>,
    #[asn1(optional = "true")]
    _policies: Option<Any>,
}

#[derive(Sequence)]
struct SigningCertificateV2 {
    certificates: Vec<CertIdV2>,
    #[asn1(optional = "true")]
    _policies: Option<Any>,
}

/// Reads a token, and judges nothing.
pub(super) fn open(token: &[u8]) -> Result<(SignedData, TstInfo), TimestampError> {
    if token.len() > MOST_BYTES {
        return Err(TimestampError::TooLong);
    }
    let content = ContentInfo::from_der(token).map_err(form("the token"))?;
    if content.content_type != SIGNED_DATA {
        return Err(TimestampError::Not("the token is not signed data"));
    }
    let signed: SignedData = content
        .content
        .decode_as()
        .map_err(form("the signed data"))?;
    if signed.encap_content_info.econtent_type != TST_INFO {
        return Err(TimestampError::Not("what is signed is not a timestamp"));
    }
    let info = TstInfo::from_der(content_of(&signed)?).map_err(form("the timestamp"))?;
    Ok((signed, info))
}

/// Checks the signature of the one signer, and that its certificate leads to one of
/// `roots` at the time stamped. Says whose it is.
pub(super) fn check(
    signed: &SignedData,
    at: Duration,
    roots: &[Vec<u8>],
) -> Result<String, TimestampError> {
    // RFC 3161 §2.4.2: no other signature than the authority's.
    let [signer] = signed.signer_infos.0.as_slice() else {
        return Err(TimestampError::Not(
            "the token has not exactly one signature",
        ));
    };
    let certificates = certificates(signed);
    let own = certificates
        .iter()
        .find(|certificate| is_of(certificate, &signer.sid));
    let own = own.ok_or(TimestampError::Not(
        "the token does not bring the authority's certificate",
    ))?;
    let bytes = own.to_der().map_err(form("the certificate"))?;
    let attributes = signer.signed_attrs.as_ref();
    let attributes = attributes.ok_or(TimestampError::Not("the signature covers no attributes"))?;
    check_attributes(attributes, signer, content_of(signed)?, &bytes)?;
    check_usage(own)?;

    let others: Result<Vec<_>, _> = certificates.iter().map(|other| other.to_der()).collect();
    let others = others.map_err(form("a certificate"))?;
    let others: Vec<_> = others.into_iter().map(CertificateDer::from).collect();
    let bytes = CertificateDer::from(bytes);
    let end = EndEntityCert::try_from(&bytes).map_err(TimestampError::Path)?;
    let roots: Vec<_> = roots
        .iter()
        .map(|root| CertificateDer::from(root.as_slice()))
        .collect();
    let anchors: Result<Vec<TrustAnchor<'_>>, _> =
        roots.iter().map(anchor_from_trusted_cert).collect();
    let anchors = anchors.map_err(TimestampError::Root)?;
    end.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        &others,
        UnixTime::since_unix_epoch(at),
        KeyUsage::required(TIME_STAMPING_VALUE),
        None,
        None,
    )
    .map_err(TimestampError::Path)?;

    // RFC 5652 §5.4: over the attributes as a SET, whatever their tag there.
    let message = attributes.to_der().map_err(form("the attributes"))?;
    let valid = |algorithm: &&dyn SignatureVerificationAlgorithm| {
        let verdict = end.verify_signature(*algorithm, &message, signer.signature.as_bytes());
        verdict.is_ok()
    };
    match digest_of(signer.digest_alg.oid)?.1.iter().any(valid) {
        true => Ok(own.tbs_certificate.subject.to_string()),
        false => Err(TimestampError::Signature),
    }
}

/// What the attributes say of content and certificate (RFC 5652 §11, RFC 5816).
fn check_attributes(
    attributes: &SignedAttributes,
    signer: &SignerInfo,
    content: &[u8],
    certificate: &[u8],
) -> Result<(), TimestampError> {
    let kind: ObjectIdentifier = one(attributes, CONTENT_TYPE)?
        .ok_or(TimestampError::Not("no attribute names the content's type"))?;
    let hash: OctetString = one(attributes, MESSAGE_DIGEST)?
        .ok_or(TimestampError::Not("no attribute has the content's digest"))?;
    let hashed = digest(digest_of(signer.digest_alg.oid)?.0, content);
    if kind != TST_INFO || hash.as_bytes() != hashed.as_ref() {
        return Err(TimestampError::Signature);
    }
    let (named, algorithm) =
        if let Some(ids) = one::<SigningCertificateV2>(attributes, SIGNING_CERTIFICATE_V2)? {
            let first = ids.certificates.into_iter().next();
            let first = first.ok_or(TimestampError::Not("no certificate is named"))?;
            let named = first.algorithm.map_or(SHA_256, |named| named.oid);
            let (algorithm, _) = digest_of(named)?;
            (first.hash, algorithm)
        } else if let Some(ids) = one::<SigningCertificate>(attributes, SIGNING_CERTIFICATE)? {
            let first = ids.certificates.into_iter().next();
            let first = first.ok_or(TimestampError::Not("no certificate is named"))?;
            (first.hash, &SHA1_FOR_LEGACY_USE_ONLY)
        } else {
            return Err(TimestampError::Not(
                "no attribute names the authority's certificate",
            ));
        };
    match named.as_bytes() == digest(algorithm, certificate).as_ref() {
        true => Ok(()),
        false => Err(TimestampError::Not(
            "the attributes name another certificate",
        )),
    }
}

/// The one value of the one attribute of this type; none if there is none.
fn one<T: for<'d> der::Decode<'d>>(
    attributes: &SignedAttributes,
    oid: ObjectIdentifier,
) -> Result<Option<T>, TimestampError> {
    let mut of_type = attributes.iter().filter(|attribute| attribute.oid == oid);
    let Some(attribute) = of_type.next() else {
        return Ok(None);
    };
    let [value] = attribute.values.as_slice() else {
        return Err(TimestampError::Not(
            "an attribute has not exactly one value",
        ));
    };
    if of_type.next().is_some() {
        return Err(TimestampError::Not("an attribute stands there twice"));
    }
    let bytes = value.to_der().map_err(form("an attribute"))?;
    Ok(Some(T::from_der(&bytes).map_err(form("an attribute"))?))
}

/// RFC 3161 §2.3: the certificate is for timestamps, for nothing else, and says so
/// critically.
fn check_usage(certificate: &Certificate) -> Result<(), TimestampError> {
    let extensions = certificate.tbs_certificate.extensions.iter().flatten();
    let mut usages = extensions.filter(|one| one.extn_id == ExtendedKeyUsage::OID);
    let usage = usages.next().filter(|usage| usage.critical);
    let usage = usage.ok_or(TimestampError::Not(
        "the certificate is not only for timestamps",
    ))?;
    let usage = ExtendedKeyUsage::from_der(usage.extn_value.as_bytes());
    match usage.map_err(form("the certificate's use"))?.0.as_slice() {
        [TIME_STAMPING] => Ok(()),
        _ => Err(TimestampError::Not(
            "the certificate is not only for timestamps",
        )),
    }
}

fn certificates(signed: &SignedData) -> Vec<&Certificate> {
    let all = signed.certificates.iter().flat_map(|set| set.0.iter());
    let plain = all.filter_map(|choice| match choice {
        CertificateChoices::Certificate(certificate) => Some(certificate),
        CertificateChoices::Other(_) => None,
    });
    plain.collect()
}

fn is_of(certificate: &Certificate, signer: &SignerIdentifier) -> bool {
    let fields = &certificate.tbs_certificate;
    match signer {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            fields.issuer == id.issuer && fields.serial_number == id.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            let extensions = fields.extensions.iter().flatten();
            let mut own = extensions.filter(|one| one.extn_id == SubjectKeyIdentifier::OID);
            let own = own
                .next()
                .map(|one| SubjectKeyIdentifier::from_der(one.extn_value.as_bytes()));
            own.is_some_and(|own| own.is_ok_and(|own| own == *id))
        }
    }
}

/// The bytes that are signed: the content of the one OCTET STRING.
fn content_of(signed: &SignedData) -> Result<&[u8], TimestampError> {
    let content = signed.encap_content_info.econtent.as_ref();
    let content = content.filter(|content| content.tag() == Tag::OctetString);
    let content = content.ok_or(TimestampError::Not("the token is empty"))?;
    Ok(content.value())
}

/// By which a certificate's key may have signed a digest of SHA-256.
static BY_SHA_256: [&dyn SignatureVerificationAlgorithm; 5] = [
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P521_SHA256,
];

/// By which a certificate's key may have signed a digest of SHA-384.
static BY_SHA_384: [&dyn SignatureVerificationAlgorithm; 5] = [
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ECDSA_P521_SHA384,
];

/// By which a certificate's key may have signed a digest of SHA-512.
static BY_SHA_512: [&dyn SignatureVerificationAlgorithm; 6] = [
    algorithms::RSA_PKCS1_2048_8192_SHA512,
    algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    algorithms::ECDSA_P256_SHA512,
    algorithms::ECDSA_P384_SHA512,
    algorithms::ECDSA_P521_SHA512,
    algorithms::ED25519,
];

/// The digest of this name, and the algorithms that may have signed it. Which one did,
/// the certificate's key says.
fn digest_of(
    oid: ObjectIdentifier,
) -> Result<(&'static Algorithm, &'static Algorithms), TimestampError> {
    match oid {
        SHA_256 => Ok((&SHA256, &BY_SHA_256)),
        SHA_384 => Ok((&SHA384, &BY_SHA_384)),
        SHA_512 => Ok((&SHA512, &BY_SHA_512)),
        _ => Err(TimestampError::Not(
            "the digest is none of SHA-256, SHA-384 and SHA-512",
        )),
    }
}

fn form(part: &'static str) -> impl Fn(der::Error) -> TimestampError {
    move |error| TimestampError::Form { part, error }
}
