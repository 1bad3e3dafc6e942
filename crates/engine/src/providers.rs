//! The catalogue: one manifest for each provider, built in or from the configuration folder.
//!
//! Owns: which manifests there are, and why the others were refused. Must not know: how a way is
//! carried out, or any particular provider: those are data, in `crates/engine/providers/`.

mod execute;
pub mod manifest;
pub mod read;
pub(crate) mod view;

use manifest::{Manifest, Way};
pub use read::Hosts;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};
use url::Url;
use wire::{CatalogueView, ErrorCode, RefusedManifest};

macro_rules! built_in {
    ($($file:literal),* $(,)?) => {
        /// The manifests inside the app: file name and text.
        pub const BUILT_IN: &[(&str, &str)] =
            &[$(($file, include_str!(concat!("../providers/", $file)))),*];
    };
}
built_in!(
    "atlassian.toml",
    "cloudflare.toml",
    "github.toml",
    "gitlab.toml",
    "google.toml",
    "hubspot.toml",
    "linear.toml",
    "microsoft-365.toml",
    "notion.toml",
    "sentry.toml",
    "slack.toml",
    "stripe.toml",
);

/// Most files that are read from the folder.
const MAX_FILES: usize = 500;

/// Where manifests come from besides the app itself.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    folder: Option<PathBuf>,
    hosts: Hosts,
    relay: Option<Url>,
}

impl Sources {
    /// `folder`: its `*.toml` files are read; it need not exist.
    #[must_use]
    pub fn folder(folder: PathBuf) -> Self {
        Self {
            folder: Some(folder),
            hosts: Hosts::Public,
            relay: None,
        }
    }

    /// The same, and servers on this computer may be named: for tests.
    #[cfg(feature = "fakes")]
    #[must_use]
    pub fn with_loopback(folder: PathBuf) -> Self {
        Self {
            folder: Some(folder),
            hosts: Hosts::Loopback,
            relay: None,
        }
    }

    /// The same with a relay: where the company hosts `relay/index.html`.
    #[must_use]
    pub fn with_relay(self, relay: Option<Url>) -> Self {
        Self { relay, ..self }
    }
}

/// A manifest that is good.
#[derive(Clone, Debug)]
pub struct Provider {
    pub manifest: Manifest,
    /// From the configuration folder.
    pub added: bool,
    /// The relay that its ways may come back by.
    pub relay: Option<Url>,
}

impl Provider {
    /// Its id, which integrations keep.
    #[must_use]
    pub fn id(&self) -> &str {
        self.manifest.id.get_ref()
    }

    /// Its ways in order of preference.
    pub fn ways(&self) -> impl Iterator<Item = &Way> {
        self.manifest
            .ways
            .get_ref()
            .iter()
            .map(toml::Spanned::get_ref)
    }

    /// One of its ways.
    #[must_use]
    pub fn way(&self, id: &str) -> Option<&Way> {
        self.ways().find(|way| way.id() == id)
    }

    /// Why the engine would not go this way.
    fn cannot(&self, way: &Way) -> Option<String> {
        let id = way.id();
        match self.execute(id, &[]) {
            Ok(made) => {
                let (field, why) = made.check().err()?;
                Some(format!("the way {id}: {field}: {why}"))
            }
            // A build that names one can.
            Err(error) if error.code == ErrorCode::RelayMissing => None,
            Err(error) => Some(format!("the way {id}: {error}")),
        }
    }

    /// Scopes of the chosen bundles and those that are always asked for, each once, in the
    /// manifest's order. An unknown bundle is no error here: [`Provider::execute`] refuses it.
    #[must_use]
    pub fn scopes(&self, bundles: &[String]) -> Vec<String> {
        let chosen = self
            .manifest
            .bundles
            .iter()
            .filter(|bundle| bundles.contains(bundle.id.get_ref()))
            .flat_map(|bundle| &bundle.scopes);
        let mut scopes: Vec<String> = vec![];
        for scope in self.manifest.scopes.always.iter().chain(chosen) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        scopes
    }
}

/// Every provider that can be connected, by name, and every manifest that was refused.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    providers: Vec<Arc<Provider>>,
    refused: Vec<RefusedManifest>,
}

impl Catalogue {
    /// Reads the manifests in the app and those of the folder. A bad one is refused, the rest load.
    #[must_use]
    pub fn load(sources: &Sources) -> Self {
        let mut catalogue = Self::default();
        for (file, text) in BUILT_IN {
            catalogue.add(file, text, sources, Origin::BuiltIn);
        }
        if let Some(folder) = &sources.folder {
            catalogue.add_folder(folder, sources);
        }
        catalogue
            .providers
            .sort_by_key(|provider| provider.manifest.name.get_ref().to_lowercase());
        catalogue
    }

    /// By id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Provider>> {
        self.providers
            .iter()
            .find(|provider| provider.id() == id)
            .cloned()
    }

    /// All of them, by name.
    #[must_use]
    pub fn providers(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    /// What was refused, file by file and line by line.
    #[must_use]
    pub fn refused(&self) -> &[RefusedManifest] {
        &self.refused
    }

    fn refuse(&mut self, file: &str, line: Option<u32>, why: &str) {
        self.refused.push(RefusedManifest {
            file: crate::http::inert(file),
            line,
            why: crate::http::inert(why),
        });
    }

    fn add(&mut self, file: &str, text: &str, sources: &Sources, origin: Origin) {
        let manifest = match read::read(text, sources.hosts) {
            Ok(manifest) => manifest,
            Err(reasons) => {
                for reason in reasons {
                    self.refuse(file, reason.line, &reason.why);
                }
                return;
            }
        };
        if let Some(first) = self.get(manifest.id.get_ref()) {
            let line = read::line_of(text, manifest.id.span().start);
            let which = if first.added {
                "another file in this folder"
            } else {
                "a provider that is built in"
            };
            let why = format!("the id {} is taken by {which}", first.id());
            self.refuse(file, Some(line), &why);
            return;
        }
        let provider = Provider {
            manifest,
            added: origin == Origin::Folder,
            relay: sources.relay.clone(),
        };
        let refused = self.refused.len();
        for way in provider.manifest.ways.get_ref() {
            if let Some(why) = provider.cannot(way.get_ref()) {
                let line = read::line_of(text, way.span().start);
                self.refuse(file, Some(line), &why);
            }
        }
        if self.refused.len() == refused {
            self.providers.push(Arc::new(provider));
        }
    }

    fn add_folder(&mut self, folder: &Path, sources: &Sources) {
        // A folder that is not there holds nothing; one that cannot be read is worth a word.
        let files = match std::fs::read_dir(folder) {
            Ok(files) => files,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                self.refuse(
                    "providers",
                    None,
                    &format!("the folder cannot be read: {error}"),
                );
                return;
            }
        };
        let mut paths: Vec<PathBuf> = files
            .filter_map(Result::ok)
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|end| end == "toml"))
            .collect();
        paths.sort();
        if paths.len() > MAX_FILES {
            let why = format!(
                "it holds {} files, the first {MAX_FILES} are read",
                paths.len()
            );
            self.refuse("providers", None, &why);
        }
        for path in paths.iter().take(MAX_FILES) {
            let file = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            match text_of(path) {
                Ok(text) => self.add(&file, &text, sources, Origin::Folder),
                Err(why) => self.refuse(&file, None, &why),
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    BuiltIn,
    Folder,
}

/// The text of a file, none of it where the file is larger than a manifest may be.
fn text_of(path: &Path) -> Result<String, String> {
    use std::io::Read;
    let cannot = |error: std::io::Error| format!("it cannot be read: {error}");
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut bytes = vec![];
    let limit = u64::try_from(read::MAX_BYTES).unwrap_or(u64::MAX);
    std::fs::File::open(path)
        .map_err(cannot)?
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// The catalogue of a running engine: read when first needed, and again whenever it is listed, so that
/// a file that was just dropped in is there.
#[derive(Default)]
pub(crate) struct Shelf(RwLock<Option<Arc<Catalogue>>>);

impl Shelf {
    pub fn now(&self, sources: &Sources) -> Arc<Catalogue> {
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        known.unwrap_or_else(|| self.again(sources))
    }

    fn again(&self, sources: &Sources) -> Arc<Catalogue> {
        let read = Arc::new(Catalogue::load(sources));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(read.clone());
        read
    }
}

/// One provider as its tile and sheet show it, without regard to app credentials.
pub(crate) fn shown(provider: &Provider) -> wire::ProviderView {
    view::view(provider)
}

/// The same, where the company's app credentials may be there.
fn with_apps(
    mut shown: wire::ProviderView,
    ready: &std::collections::BTreeSet<String>,
) -> wire::ProviderView {
    if ready.contains(&shown.id) {
        for way in &mut shown.ways {
            if way.effort == wire::Effort::NeedsApp {
                way.effort = wire::Effort::Ready;
            }
        }
    }
    shown
}

/// The catalogue as the gallery shows it, read anew.
pub(crate) async fn list(engine: &crate::Engine) -> Result<CatalogueView, wire::Error> {
    let reader = engine.clone();
    let catalogue =
        tokio::task::spawn_blocking(move || reader.0.providers.again(&reader.options().providers))
            .await
            .map_err(|e| wire::Error::new(wire::ErrorCode::Internal).with("why", e.to_string()))?;
    let folder = engine.options().providers.folder.as_ref();
    let ready = crate::apps::ready(engine).await?;
    Ok(CatalogueView {
        providers: catalogue
            .providers()
            .iter()
            .map(|provider| with_apps(view::view(provider), &ready))
            .collect(),
        refused: catalogue.refused().to_vec(),
        folder: folder.map(|folder| folder.display().to_string()),
    })
}

pub(crate) use view::icon;

#[cfg(test)]
mod tests;
