//! OpenSSL's numbers and words for what can be wrong with a chain.
//!
//! Never a reason that this verifier does not give.

macro_rules! codes {
    ($($name:ident = $number:literal $text:literal,)*) => {
        /// What is wrong; the names and numbers are those of `X509_V_ERR_…`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(
                #[doc = $text]
                $name = $number,
            )*
        }

        impl Code {
            /// OpenSSL's number.
            #[must_use]
            pub fn number(self) -> i32 {
                self as i32
            }

            /// OpenSSL's words.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    Ok = 0 "ok",
    UnableToGetIssuerCert = 2 "unable to get issuer certificate",
    UnableToDecodeIssuerPublicKey = 6 "unable to decode issuer public key",
    SignatureFailure = 7 "certificate signature failure",
    NotYetValid = 9 "certificate is not yet valid",
    Expired = 10 "certificate has expired",
    SelfSigned = 18 "self-signed certificate",
    SelfSignedInChain = 19 "self-signed certificate in certificate chain",
    UnableToGetLocalIssuer = 20 "unable to get local issuer certificate",
    UnableToVerifyFirst = 21 "unable to verify the first certificate",
    ChainTooLong = 22 "certificate chain too long",
    PathLengthExceeded = 25 "path length constraint exceeded",
    InvalidPurpose = 26 "unsuitable certificate purpose",
    NoCertSign = 32 "key usage does not include certificate signing",
    UnhandledCritical = 34 "unhandled critical extension",
    HostnameMismatch = 62 "hostname mismatch",
    IpMismatch = 64 "IP address mismatch",
    EeKeyTooSmall = 66 "EE certificate key too weak",
    CaKeyTooSmall = 67 "CA certificate key too weak",
    CaDigestTooWeak = 68 "CA signature digest algorithm too weak",
    InvalidCa = 79 "invalid CA certificate",
}
