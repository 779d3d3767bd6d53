// The action's beginning: both daemons up, and a builder that leads to them.
'use strict';

const { spawnSync } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { fail, xtask } = require('./harness.js');

/** What a user has given; GitHub passes it by the environment. */
const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] || '').trim();

/** Writes a value to one of the files by which a step talks to its job, whatever the value holds. */
function tell(file, name, value) {
  const end = randomUUID();
  fs.appendFileSync(process.env[file], `${name}<<${end}\n${value}\n${end}\n`);
}

/** Gives Docker the buildx that the harness has fetched, where it has none; returns the file, if it was written. */
function plugIn(buildx) {
  const has = spawnSync('docker', ['buildx', 'version'], { stdio: 'ignore' });
  if (!buildx || has.error || has.status === 0) return null;
  const folder = path.join(process.env.DOCKER_CONFIG || path.join(os.homedir(), '.docker'), 'cli-plugins');
  const plugin = path.join(folder, `docker-buildx${path.extname(buildx)}`);
  fs.mkdirSync(folder, { recursive: true });
  // What is there already is somebody's, though Docker makes nothing of it.
  fs.copyFileSync(buildx, plugin, fs.constants.COPYFILE_EXCL);
  return plugin;
}

try {
  // Before anything is there: what the end is to clean up must be known to it, whatever happens here.
  tell('GITHUB_STATE', 'begun', 'yes');
  const asked = ['buildkit', 'containerd', 'network'].flatMap((name) => (input(name) ? [`--${name}=${input(name)}`] : []));
  const token = input('github-token');
  const made = JSON.parse(xtask(['builder', '--json', ...asked], token ? { GITHUB_TOKEN: token } : {}));
  const plugin = plugIn(made.buildx);
  if (plugin) tell('GITHUB_STATE', 'plugin', plugin);
  for (const [name, value] of Object.entries(made.environment)) tell('GITHUB_ENV', name, value);
  tell('GITHUB_OUTPUT', 'endpoint', made.endpoint);
  tell('GITHUB_OUTPUT', 'buildkit-version', made.versions.buildkit);
  tell('GITHUB_OUTPUT', 'containerd-version', made.versions.containerd);
  tell('GITHUB_OUTPUT', 'builder', made.builder);
} catch (error) {
  fail(error);
}
