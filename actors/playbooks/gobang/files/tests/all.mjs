/**
 * All tests: `node tests/all.mjs` ends with 0 when all of them pass.
 *
 * Scripted: the playbook "gobang" wrote this file, no language model did.
 */
import './rules.test.mjs';
import './ai.test.mjs';

console.log('all tests pass');
