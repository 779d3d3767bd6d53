// The action's end, also of a job that failed: nothing of it stays.
'use strict';

const fs = require('node:fs');
const { BASE_DIR, fail, xtask } = require('./harness.js');

const { STATE_begun: begun, STATE_plugin: plugin } = process.env;

// The daemons first, and what stays of one part costs no other.
const parts = [
  () => begun && fs.existsSync(BASE_DIR) && xtask(['clean', '--cache']),
  // On Windows a scanner may hold what has just been run. Only `recursive` tries again.
  () => plugin && fs.rmSync(plugin, { force: true, recursive: true, maxRetries: 5 }),
];

for (const part of parts) {
  try {
    part();
  } catch (error) {
    fail(error);
  }
}
