/* Opens an exported version with TensorFlow's C API, which loads it through the same C++
 * SavedModel loader as TensorFlow Serving, and calls serving_default. No Python.
 *
 *     complete VERSION IMAGE_OP IMAGE_INDEX MASK_OP MASK_INDEX OUT_OP OUT_INDEX N H W < in > out
 *
 * in: uint8 [N, H, W, 3] followed by uint8 [N, H, W, 1]; out: uint8 [N, H, W, 3].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

static void require(TF_Status* status, const char* what) {
  if (TF_GetCode(status) == TF_OK) return;
  fprintf(stderr, "%s: %s\n", what, TF_Message(status));
  exit(1);
}

static TF_Output find(TF_Graph* graph, const char* name, const char* index) {
  TF_Output output = {TF_GraphOperationByName(graph, name), atoi(index)};
  if (output.oper) return output;
  fprintf(stderr, "no operation %s\n", name);
  exit(1);
}

static TF_Tensor* read_tensor(int64_t n, int64_t h, int64_t w, int64_t c) {
  const int64_t shape[] = {n, h, w, c};
  const size_t bytes = (size_t)(n * h * w * c);
  TF_Tensor* tensor = TF_AllocateTensor(TF_UINT8, shape, 4, bytes);
  if (fread(TF_TensorData(tensor), 1, bytes, stdin) != bytes) {
    fprintf(stderr, "too little input\n");
    exit(1);
  }
  return tensor;
}

int main(int argc, char** argv) {
  if (argc != 11) return 2;
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  const char* tags[] = {"serve"};
  TF_Session* session =
      TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  require(status, "load");

  const int64_t n = atoll(argv[8]), h = atoll(argv[9]), w = atoll(argv[10]);
  TF_Output inputs[] = {find(graph, argv[2], argv[3]), find(graph, argv[4], argv[5])};
  TF_Output output = find(graph, argv[6], argv[7]);
  TF_Tensor* values[2];
  values[0] = read_tensor(n, h, w, 3);
  values[1] = read_tensor(n, h, w, 1);
  TF_Tensor* completed = NULL;
  TF_SessionRun(session, NULL, inputs, values, 2, &output, &completed, 1, NULL, 0, NULL, status);
  require(status, "run");
  fwrite(TF_TensorData(completed), 1, TF_TensorByteSize(completed), stdout);

  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteGraph(graph);
  TF_DeleteSessionOptions(options);
  TF_DeleteTensor(values[0]);
  TF_DeleteTensor(values[1]);
  TF_DeleteTensor(completed);
  TF_DeleteStatus(status);
  return 0;
}
