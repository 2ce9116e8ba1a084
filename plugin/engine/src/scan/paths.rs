//! The places of a document that are wanted.

use std::borrow::Cow;

use crate::limits::KEY_BYTES_MAX;

/// The identifier of a place, which only [`Paths`] assigns.
pub type NodeId = u16;

/// A place in a document, with the rules that want it.
#[derive(Debug, Default)]
pub struct Node {
    keys: Vec<(Cow<'static, str>, NodeId)>,
    element: Option<NodeId>,
    rules: Vec<u16>,
    text_bytes: usize,
    flows: bool,
    /// Whether everything inside this place counts as the same place.
    is_deep: bool,
}

impl Node {
    /// Returns the numbers of the rules that want this place, as given to [`Paths::add`].
    pub fn rules(&self) -> &[u16] {
        &self.rules
    }
}

/// A tree of the wanted places: `usage.input_tokens`, `choices[].delta.content`, `[].id`.
///
/// `[]` stands for every element of an array. A path that ends at a container wants its beginning; a path that ends
/// with `.**` also wants everything inside.
#[derive(Debug)]
pub struct Paths {
    nodes: Vec<Node>,
}

impl Default for Paths {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Paths {
    /// The place of the document itself.
    pub const ROOT: NodeId = 0;

    /// Adds the place at `path` for rule number `rule`. Up to `text_bytes` bytes of a string are reported as its start;
    /// if `flows`, the whole string is also reported in pieces.
    pub fn add(&mut self, path: &'static str, rule: u16, text_bytes: usize, flows: bool) {
        let mut at = Self::ROOT;
        let (path, is_deep) = path.strip_suffix(".**").map_or((path, false), |path| (path, true));
        for segment in path.split('.') {
            let key = segment.trim_end_matches("[]");
            if !key.is_empty() {
                at = self.key_or_insert(at, Cow::Borrowed(key));
            }
            let brackets = segment.len().saturating_sub(key.len());
            for _ in 0..brackets.checked_div(2).unwrap_or(0) {
                at = self.element_or_insert(at);
            }
        }
        if let Some(node) = self.nodes.get_mut(usize::from(at)) {
            node.rules.push(rule);
            node.text_bytes = node.text_bytes.max(text_bytes);
            node.flows |= flows;
            node.is_deep |= is_deep;
        }
    }

    /// Adds the place at `keys`, and every string inside of it, for rule number `rule`. The key `*` stands for every
    /// element of an array.
    pub fn add_deep(&mut self, keys: &[String], rule: u16) {
        let mut at = Self::ROOT;
        for key in keys {
            at = match key.as_str() {
                "*" => self.element_or_insert(at),
                _ => self.key_or_insert(at, Cow::Owned(key.clone())),
            };
        }
        if let Some(node) = self.nodes.get_mut(usize::from(at)) {
            node.rules.push(rule);
            (node.flows, node.is_deep) = (true, true);
        }
    }

    /// Returns the place with this identifier.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::from(id))
    }

    /// Returns the place of `key` in the object at `parent`.
    pub(super) fn key(&self, parent: NodeId, key: &[u8]) -> Option<NodeId> {
        let node = self.node(parent)?;
        let found = node.keys.iter().find(|(name, _)| name.as_bytes() == key);
        // A key that was cut off is unknown if it arrived in pieces, so it must also be unknown if it arrived whole.
        let inside = (node.is_deep && key.len() <= KEY_BYTES_MAX).then_some(parent);
        found.map(|(_, id)| *id).or(inside)
    }

    /// Returns the place of every element of the array at `parent`.
    pub(super) fn element(&self, parent: NodeId) -> Option<NodeId> {
        let node = self.node(parent)?;
        node.element.or(node.is_deep.then_some(parent))
    }

    /// Returns how many bytes of a string are wanted; `None` if no rule wants the place.
    pub(super) fn wanted(&self, id: NodeId) -> Option<usize> {
        let node = self.node(id)?;
        (!node.rules.is_empty()).then_some(node.text_bytes)
    }

    /// Whether the whole text of a string at this place is wanted.
    pub(super) fn flows(&self, id: NodeId) -> bool {
        self.node(id).is_some_and(|node| node.flows)
    }

    fn key_or_insert(&mut self, parent: NodeId, key: Cow<'static, str>) -> NodeId {
        if let Some(id) = self.key(parent, key.as_bytes()) {
            return id;
        }
        let id = self.insert();
        if let Some(node) = self.nodes.get_mut(usize::from(parent)) {
            node.keys.push((key, id));
        }
        id
    }

    fn element_or_insert(&mut self, parent: NodeId) -> NodeId {
        if let Some(id) = self.element(parent) {
            return id;
        }
        let id = self.insert();
        if let Some(node) = self.nodes.get_mut(usize::from(parent)) {
            node.element = Some(id);
        }
        id
    }

    fn insert(&mut self) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        self.nodes.push(Node::default());
        id
    }
}
