//! Which places of a document are wanted.

use std::borrow::Cow;

use crate::limits::KEY_BYTES_MAX;

/// Names a place; only [`Paths`] makes them.
pub type NodeId = u16;

/// A place in a document and what is wanted there.
#[derive(Debug, Default)]
pub struct Node {
    keys: Vec<(Cow<'static, str>, NodeId)>,
    element: Option<NodeId>,
    rules: Vec<u16>,
    text_bytes: usize,
    flows: bool,
    /// Everything inside of it is the same place.
    is_deep: bool,
}

impl Node {
    /// Numbers of the rules that want this place, as given to [`Paths::add`].
    pub fn rules(&self) -> &[u16] {
        &self.rules
    }
}

/// A tree of the wanted places: `usage.input_tokens`, `choices[].delta.content`, `[].id`.
///
/// `[]` stands for every element of an array. A path may end at a container: its beginning is then reported; if it
/// ends with `.**`, so is everything inside.
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

    /// Wants the place at `path`, for rule number `rule`, with up to `text_bytes` bytes where it is a string, and
    /// where it `flows` the whole string too, in pieces.
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

    /// Wants every string at the place that `keys` lead to, and inside of it, for rule number `rule`; `*` is every
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

    /// The place, for its rules.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::from(id))
    }

    /// The place of `key` in the object at `parent`.
    pub(super) fn key(&self, parent: NodeId, key: &[u8]) -> Option<NodeId> {
        let node = self.node(parent)?;
        let found = node.keys.iter().find(|(name, _)| name.as_bytes() == key);
        // A key that was cut off is not known when it came in pieces, so it is nowhere when it came whole.
        let inside = (node.is_deep && key.len() <= KEY_BYTES_MAX).then_some(parent);
        found.map(|(_, id)| *id).or(inside)
    }

    /// The place of every element of the array at `parent`.
    pub(super) fn element(&self, parent: NodeId) -> Option<NodeId> {
        let node = self.node(parent)?;
        node.element.or(node.is_deep.then_some(parent))
    }

    /// Whether any rule wants the place, and how many bytes of a string.
    pub(super) fn wanted(&self, id: NodeId) -> Option<usize> {
        let node = self.node(id)?;
        (!node.rules.is_empty()).then_some(node.text_bytes)
    }

    /// Whether all of a string at this place is wanted.
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
