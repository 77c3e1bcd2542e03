//! Closed vocabularies: enumerations whose members have one spelling each.

/// Makes an enumeration of its members and their spellings. One that is read
/// says after its name what a value should have been, for error messages.
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident $(: $expected:literal)? {
        $($(#[$member_doc:meta])* $member:ident = $text:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $($(#[$member_doc])* $member,)+
        }

        #[allow(dead_code, reason = "not every vocabulary is listed and read")]
        impl $name {
            $vis const ALL: [$name; [$($text),+].len()] = [$($name::$member),+];

            $vis const fn as_str(self) -> &'static str {
                match self {
                    $($name::$member => $text,)+
                }
            }

            /// Upper and lower case differ.
            $vis fn parse(text: &str) -> Option<$name> {
                match text {
                    $($text => Some($name::$member),)+
                    _ => None,
                }
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        $(
            #[allow(dead_code, reason = "said by few but in errors")]
            impl $name {
                $vis const EXPECTED: &'static str = $expected;
            }

            impl<'v> ::serde::Deserialize<'v> for $name {
                fn deserialize<D: ::serde::Deserializer<'v>>(
                    deserializer: D,
                ) -> Result<$name, D::Error> {
                    $crate::ledger::shape::read_text(deserializer, $expected, $name::parse)
                }
            }
        )?
    };
}

pub(crate) use words;
