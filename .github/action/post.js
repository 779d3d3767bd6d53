// The action's end, also of a job that failed: nothing of it stays.
'use strict';

const fs = require('node:fs');
const { BASE_DIR, fail, xtask } = require('./harness.js');

try {
  if (process.env.STATE_plugin) fs.rmSync(process.env.STATE_plugin, { force: true });
  if (process.env.STATE_begun && fs.existsSync(BASE_DIR)) xtask(['clean', '--cache']);
} catch (error) {
  fail(error);
}
