#include <openssl/crypto.h>
#include <string.h>

#include "arguments.h"
#include "chunks.h"
#include "datagram-calls.h"
#include "stream-calls.h"
#include "subkey.h"

/* Raised whenever a function below changes what it takes or gives: `addon.ts` has the other half. */
#define INTERFACE_VERSION 5

#define MOST_ARGUMENTS 10

/* The ciphers of the calling thread. Arguments that are missing come as undefined, which is refused where something is needed. */
static struct ciphers *take_arguments(napi_env env, napi_callback_info info, napi_value *arguments) {
  size_t count = MOST_ARGUMENTS;
  void *ciphers = NULL;
  napi_get_cb_info(env, info, &count, arguments, NULL, &ciphers);
  return ciphers;
}

static napi_value throw_broken(napi_env env) {
  napi_throw_error(env, NULL, "OpenSSL refused to work");
  return NULL;
}

/* Three arguments: the number of an algorithm, a key and a nonce of their lengths. */
struct keying {
  size_t algorithm;
  struct bytes key;
  struct bytes nonce;
};

static bool keying_arguments(napi_env env, const napi_value *values, struct keying *keying) {
  if (!integer_argument(env, values[0], "algorithm", 0, ALGORITHM_COUNT - 1, &keying->algorithm)) return false;
  size_t key_length = ALGORITHMS[keying->algorithm].key_length;
  return buffer_argument(env, values[1], "key", key_length, key_length, &keying->key) &&
         buffer_argument(env, values[2], "nonce", NONCE_LENGTH, NONCE_LENGTH, &keying->nonce);
}

/*
 * One message: (algorithm, key, nonce, salt, src, start, end, dst, at, subkey). With a salt, `key` is the master key of the one that is used, which is
 * written to `subkey` where that is given.
 */
static napi_value pass_message(napi_env env, napi_callback_info info, bool seals) {
  napi_value arguments[MOST_ARGUMENTS];
  struct ciphers *ciphers = take_arguments(env, info, arguments);
  struct keying keying;
  struct bytes salt;
  struct bytes input;
  struct bytes room;
  struct bytes derived = {NULL, 0};
  napi_valuetype salt_type = napi_undefined;
  napi_valuetype derived_type = napi_undefined;
  if (!keying_arguments(env, arguments, &keying)) return NULL;
  napi_typeof(env, arguments[3], &salt_type);
  if (salt_type != napi_undefined && !buffer_argument(env, arguments[3], "salt", 0, LONGEST_SALT, &salt)) return NULL;
  napi_typeof(env, arguments[9], &derived_type);
  if (derived_type != napi_undefined && !buffer_argument(env, arguments[9], "subkey", keying.key.length, keying.key.length, &derived)) return NULL;
  if (!input_arguments(env, arguments + 4, &input) || !room_arguments(env, arguments + 7, &room)) return NULL;
  if (!seals && input.length < TAG_LENGTH) return refuse(env, napi_throw_range_error, "src is shorter than a tag"), NULL;
  size_t text = seals ? input.length : input.length - TAG_LENGTH;
  if (!room_for(env, room, seals ? text + TAG_LENGTH : text, input)) return NULL;

  uint8_t subkey[LONGEST_KEY];
  const uint8_t *key = keying.key.data;
  if (salt_type != napi_undefined) {
    derive_subkey(key, keying.key.length, salt.data, salt.length, subkey);
    key = subkey;
    if (derived.length > 0) memcpy(derived.data, subkey, derived.length);
  }
  EVP_CIPHER_CTX *context = (seals ? ciphers->sealing : ciphers->opening)[keying.algorithm];
  enum result result = cipher_begin(context, key);
  OPENSSL_cleanse(subkey, sizeof subkey);
  if (result == DONE)
    result = seals ? cipher_seal(context, keying.nonce.data, input.data, text, room.data)
                   : cipher_open(context, keying.nonce.data, input.data, text, room.data);
  if (result == BROKEN) return throw_broken(env);
  napi_value passed = NULL;
  napi_get_boolean(env, result == DONE, &passed);
  return passed;
}

static napi_value seal(napi_env env, napi_callback_info info) { return pass_message(env, info, true); }

/* False: the tag is wrong. */
static napi_value open(napi_env env, napi_callback_info info) { return pass_message(env, info, false); }

/* (algorithm, key, nonce, maxChunk, src, start, end, dst, at): the bytes written. */
static napi_value seal_chunks(napi_env env, napi_callback_info info) {
  napi_value arguments[MOST_ARGUMENTS];
  struct ciphers *ciphers = take_arguments(env, info, arguments);
  struct keying keying;
  size_t max_chunk;
  struct bytes input;
  struct bytes room;
  if (!keying_arguments(env, arguments, &keying) || !integer_argument(env, arguments[3], "maxChunk", 1, LONGEST_CHUNK, &max_chunk) ||
      !input_arguments(env, arguments + 4, &input) || !room_arguments(env, arguments + 7, &room))
    return NULL;
  size_t size = chunks_size(input.length, max_chunk);
  if (!room_for(env, room, size, input)) return NULL;
  EVP_CIPHER_CTX *context = ciphers->sealing[keying.algorithm];
  if (cipher_begin(context, keying.key.data) != DONE ||
      chunks_seal(context, keying.nonce.data, input.data, input.length, max_chunk, room.data) != DONE)
    return throw_broken(env);
  napi_value written = NULL;
  napi_create_int64(env, (int64_t)size, &written);
  return written;
}

/* An Int32Array: the payload length that comes next or AWAITING_LENGTH, then the bytes consumed and written. */
#define STATE_LENGTH 3

static bool state_argument(napi_env env, napi_value value, int32_t **state) {
  napi_typedarray_type type;
  size_t length;
  void *data;
  napi_status status = napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL);
  if (status != napi_ok || type != napi_int32_array || length != STATE_LENGTH)
    return refuse(env, napi_throw_type_error, "state must be an Int32Array of %d", STATE_LENGTH);
  *state = data;
  return ((*state)[0] >= AWAITING_LENGTH && (*state)[0] <= LONGEST_CHUNK) ||
         refuse(env, napi_throw_range_error, "payloadLength must be from %d to %d", AWAITING_LENGTH, LONGEST_CHUNK);
}

/* (algorithm, key, nonce, maxChunk, src, start, end, dst, at, state): one of `enum result`. */
static napi_value open_chunks(napi_env env, napi_callback_info info) {
  napi_value arguments[MOST_ARGUMENTS];
  struct ciphers *ciphers = take_arguments(env, info, arguments);
  struct keying keying;
  struct chunk_run run;
  struct bytes input;
  struct bytes room;
  int32_t *state = NULL;
  if (!keying_arguments(env, arguments, &keying) || !integer_argument(env, arguments[3], "maxChunk", 1, LONGEST_CHUNK, &run.max_chunk) ||
      !input_arguments(env, arguments + 4, &input) || !room_arguments(env, arguments + 7, &room) || !state_argument(env, arguments[9], &state))
    return NULL;
  /* Plaintext is shorter than what it comes from: with this much room all messages fit. */
  size_t used = room.length < input.length ? room.length : input.length;
  if (!room_for(env, room, used, input)) return NULL;
  EVP_CIPHER_CTX *context = ciphers->opening[keying.algorithm];
  run.nonce = keying.nonce.data;
  run.payload_length = state[0];
  enum result result = cipher_begin(context, keying.key.data);
  if (result == DONE) result = chunks_open(context, &run, input.data, input.length, room.data, used);
  if (result == BROKEN) return throw_broken(env);
  if (result == NO_ROOM) return refuse(env, napi_throw_range_error, "dst has no room for the plaintext"), NULL;
  state[0] = run.payload_length;
  state[1] = (int32_t)run.consumed;
  state[2] = (int32_t)run.written;
  napi_value verdict = NULL;
  napi_create_uint32(env, result, &verdict);
  return verdict;
}

/* (key, salt, subkey): writes the subkey, which is as long as the key. */
static napi_value derive(napi_env env, napi_callback_info info) {
  napi_value arguments[MOST_ARGUMENTS];
  struct bytes key;
  struct bytes salt;
  struct bytes subkey;
  take_arguments(env, info, arguments);
  if (buffer_argument(env, arguments[0], "key", 1, LONGEST_KEY, &key) && buffer_argument(env, arguments[1], "salt", 0, LONGEST_SALT, &salt) &&
      buffer_argument(env, arguments[2], "subkey", key.length, key.length, &subkey))
    derive_subkey(key.data, key.length, salt.data, salt.length, subkey.data);
  return NULL;
}

static void free_ciphers(napi_env env, void *ciphers, void *hint) {
  (void)env;
  (void)hint;
  ciphers_free(ciphers);
}

/* Once for every thread that loads the addon; nothing is shared between threads. */
NAPI_MODULE_INIT() {
  struct ciphers *ciphers = ciphers_new();
  if (ciphers == NULL || napi_set_instance_data(env, ciphers, free_ciphers, NULL) != napi_ok) return throw_broken(env);
  const napi_property_descriptor functions[] = {
      {"seal", NULL, seal, NULL, NULL, NULL, napi_enumerable, ciphers},
      {"open", NULL, open, NULL, NULL, NULL, napi_enumerable, ciphers},
      {"sealChunks", NULL, seal_chunks, NULL, NULL, NULL, napi_enumerable, ciphers},
      {"openChunks", NULL, open_chunks, NULL, NULL, NULL, napi_enumerable, ciphers},
      {"deriveSubkey", NULL, derive, NULL, NULL, NULL, napi_enumerable, ciphers},
  };
  napi_value version = NULL;
  napi_create_uint32(env, INTERFACE_VERSION, &version);
  napi_set_named_property(env, exports, "version", version);
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  define_datagrams(env, exports);
  define_streams(env, exports);
  return exports;
}
