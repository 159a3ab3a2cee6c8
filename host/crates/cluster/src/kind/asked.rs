//! Kinds whose objects are questions: answered, never kept. The answers are in `api/review.rs`.

use super::plain::{Plain, Standing, plain};

const fn asked(plain: Plain) -> Plain {
    Plain {
        standing: Standing::Asked,
        ..plain
    }
}

pub(super) static BINDINGS: Plain = asked(
    plain!(api::core::v1::Binding as "Binding", "bindings", "binding", [], "bindings", "", "v1", true),
);
pub(super) static SELF_SUBJECT_REVIEWS: Plain = asked(
    plain!(api::authentication::v1::SelfSubjectReview as "SelfSubjectReview", "selfsubjectreviews", "selfsubjectreview", [], "selfsubjectreviews.authentication.k8s.io", "authentication.k8s.io", "v1", false),
);
pub(super) static TOKEN_REVIEWS: Plain = asked(
    plain!(api::authentication::v1::TokenReview as "TokenReview", "tokenreviews", "tokenreview", [], "tokenreviews.authentication.k8s.io", "authentication.k8s.io", "v1", false),
);
pub(super) static LOCAL_SUBJECT_ACCESS_REVIEWS: Plain = asked(
    plain!(api::authorization::v1::LocalSubjectAccessReview as "LocalSubjectAccessReview", "localsubjectaccessreviews", "localsubjectaccessreview", [], "localsubjectaccessreviews.authorization.k8s.io", "authorization.k8s.io", "v1", true),
);
pub(super) static SELF_SUBJECT_ACCESS_REVIEWS: Plain = asked(
    plain!(api::authorization::v1::SelfSubjectAccessReview as "SelfSubjectAccessReview", "selfsubjectaccessreviews", "selfsubjectaccessreview", [], "selfsubjectaccessreviews.authorization.k8s.io", "authorization.k8s.io", "v1", false),
);
pub(super) static SELF_SUBJECT_RULES_REVIEWS: Plain = asked(
    plain!(api::authorization::v1::SelfSubjectRulesReview as "SelfSubjectRulesReview", "selfsubjectrulesreviews", "selfsubjectrulesreview", [], "selfsubjectrulesreviews.authorization.k8s.io", "authorization.k8s.io", "v1", false),
);
pub(super) static SUBJECT_ACCESS_REVIEWS: Plain = asked(
    plain!(api::authorization::v1::SubjectAccessReview as "SubjectAccessReview", "subjectaccessreviews", "subjectaccessreview", [], "subjectaccessreviews.authorization.k8s.io", "authorization.k8s.io", "v1", false),
);
