//! What an update asks to do with one field.
/// What an update asks to do with one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing.
    #[default]
    Keep,
    /// Unset it.
    Clear,
    /// Set it.
    Set(T),
}
impl<T> Patch<T> {
    /// Carries it out.
    pub fn apply_to(self, field: &mut Option<T>) {
        match self { Self::Keep => {}, Self::Clear => *field = None, Self::Set(v) => *field = Some(v) }
    }
}
