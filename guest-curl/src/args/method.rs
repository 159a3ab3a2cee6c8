//! Which of curl's kinds of request is meant; two of them cannot be.

use crate::voice::Voice;

/// A kind of request, by the option that asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Request {
    #[default]
    Unspecified,
    Get,
    Head,
    Form,
    Post,
    Put,
}

impl Request {
    fn words(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Get => "GET (-G, --get)",
            Self::Head => "HEAD (-I, --head)",
            Self::Form => "multipart formpost (-F, --form)",
            Self::Post => "POST (-d, --data)",
            Self::Put => "PUT (-T, --upload-file)",
        }
    }

    /// Makes it this one; `false` with a warning when it is another already.
    #[must_use]
    pub(crate) fn set(&mut self, to: Self, voice: &Voice) -> bool {
        if *self == Self::Unspecified || *self == to {
            *self = to;
            return true;
        }
        voice.warn(&format!(
            "You can only select one HTTP request method! You asked for both {} and {}.",
            to.words(),
            self.words()
        ));
        false
    }
}
