// What both ends of the action share: the workspace, and how the harness is run. Node's own modules only: nothing to install.
'use strict';

const { spawnSync } = require('node:child_process');
const path = require('node:path');

/** The repository of this action, whose `.cargo/config.toml` knows `cargo xtask`. */
const REPOSITORY = path.resolve(__dirname, '..', '..');

/** Near a drive's root: Windows' paths are short, and containerd's are long. The runner empties it after the job. */
const BASE_DIR = path.join(process.env.RUNNER_TEMP || REPOSITORY, 'buildkit-windows');

/**
 * The step's variables, but for what the runner tells an action only: its inputs, of which one is a token, and the keys to the
 * job's caches and artifacts. The daemons outlive this step.
 */
function ours() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INPUT|ACTIONS)_/i.test(name)));
}

/**
 * Runs the harness, each argument as it is, and returns what it prints on stdout.
 *
 * @param {string[]} args a subcommand with its options
 * @param {Record<string, string>} env variables on top of the step's own
 */
function xtask(args, env = {}) {
  const line = ['xtask', ...args];
  const ran = spawnSync('cargo', line, {
    cwd: REPOSITORY,
    env: { ...ours(), ...env, BUILDKIT_WINDOWS_BASE_DIR: BASE_DIR },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (ran.error) throw new Error(`failed to run \`cargo ${line.join(' ')}\`: ${ran.error.message}`);
  if (ran.status !== 0) throw new Error(`\`cargo ${line.join(' ')}\` ended with exit code ${ran.status ?? ran.signal}`);
  return ran.stdout;
}

/** Ends the step as failed, with an annotation. */
function fail(error) {
  const escaped = String(error.message).replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
  process.stdout.write(`::error::${escaped}\n`);
  process.exitCode = 1;
}

module.exports = { BASE_DIR, fail, xtask };
