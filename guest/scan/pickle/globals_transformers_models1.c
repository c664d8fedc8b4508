/* SPDX-License-Identifier: Apache-2.0 */
/* Hugging Face transformers: the model families, first half. */
#include "guest/scan/pickle/globals_table.h"

static const struct global_module models[] = {
    {"transformers.modeling_albert",
     "AlbertAttention AlbertClassificationHead AlbertEmbeddings AlbertEncoder AlbertForMaskedLM "
     "AlbertForMultipleChoice AlbertForNextSentencePrediction AlbertForPreTraining AlbertForQuestionAnswering "
     "AlbertForSequenceClassification AlbertForTokenClassification AlbertIntermediate AlbertLMHead AlbertLMHeadModel "
     "AlbertLMPredictionHead AlbertLayer AlbertModel AlbertOnlyMLMHead AlbertOutput AlbertPooler "
     "AlbertPreTrainedModel AlbertPredictionHeadTransform AlbertSelfAttention AlbertSelfOutput"},
    {"transformers.modeling_bart",
     "BartAttention BartBlock BartClassificationHead BartDecoder BartDecoderLayer BartDenseActDense "
     "BartDenseGatedActDense BartEncoder BartEncoderLayer BartEncoderModel BartForAudioClassification BartForCausalLM "
     "BartForConditionalGeneration BartForQuestionAnswering BartForSequenceClassification BartLayerCrossAttention "
     "BartLayerFF BartLayerNorm BartLayerSelfAttention BartLearnedPositionalEmbedding BartModel BartPreTrainedModel "
     "BartScaledWordEmbedding BartSinusoidalPositionalEmbedding BartStack"},
    {"transformers.modeling_bert",
     "BertAttention BertClassificationHead BertEmbeddings BertEncoder BertForMaskedLM BertForMultipleChoice "
     "BertForNextSentencePrediction BertForPreTraining BertForQuestionAnswering BertForSequenceClassification "
     "BertForTokenClassification BertIntermediate BertLMHead BertLMHeadModel BertLMPredictionHead BertLayer BertModel "
     "BertOnlyMLMHead BertOutput BertPooler BertPreTrainedModel BertPreTrainingHeads BertPredictionHeadTransform "
     "BertSdpaSelfAttention BertSelfAttention BertSelfOutput"},
    {"transformers.modeling_camembert",
     "CamembertAttention CamembertClassificationHead CamembertEmbeddings CamembertEncoder CamembertForMaskedLM "
     "CamembertForMultipleChoice CamembertForNextSentencePrediction CamembertForPreTraining "
     "CamembertForQuestionAnswering CamembertForSequenceClassification CamembertForTokenClassification "
     "CamembertIntermediate CamembertLMHead CamembertLMHeadModel CamembertLMPredictionHead CamembertLayer "
     "CamembertModel CamembertOnlyMLMHead CamembertOutput CamembertPooler CamembertPreTrainedModel "
     "CamembertPredictionHeadTransform CamembertSelfAttention CamembertSelfOutput"},
    {"transformers.modeling_distilbert",
     "DistilBertAttention DistilBertClassificationHead DistilBertEmbeddings DistilBertEncoder DistilBertForMaskedLM "
     "DistilBertForMultipleChoice DistilBertForNextSentencePrediction DistilBertForPreTraining "
     "DistilBertForQuestionAnswering DistilBertForSequenceClassification DistilBertForTokenClassification "
     "DistilBertIntermediate DistilBertLMHead DistilBertLMHeadModel DistilBertLMPredictionHead DistilBertLayer "
     "DistilBertModel DistilBertOnlyMLMHead DistilBertOutput DistilBertPooler DistilBertPreTrainedModel "
     "DistilBertPredictionHeadTransform DistilBertSdpaAttention DistilBertSelfAttention DistilBertSelfOutput "
     "Embeddings FFN MultiHeadSelfAttention Transformer TransformerBlock"},
    {"transformers.modeling_electra",
     "ElectraAttention ElectraClassificationHead ElectraDiscriminatorPredictions ElectraEmbeddings ElectraEncoder "
     "ElectraForMaskedLM ElectraForMultipleChoice ElectraForNextSentencePrediction ElectraForPreTraining "
     "ElectraForQuestionAnswering ElectraForSequenceClassification ElectraForTokenClassification "
     "ElectraGeneratorPredictions ElectraIntermediate ElectraLMHead ElectraLMHeadModel ElectraLMPredictionHead "
     "ElectraLayer ElectraModel ElectraOnlyMLMHead ElectraOutput ElectraPooler ElectraPreTrainedModel "
     "ElectraPredictionHeadTransform ElectraSelfAttention ElectraSelfOutput"},
    {"transformers.modeling_gpt2",
     "Conv1D GPT2Attention GPT2Block GPT2DecoderLayer GPT2DoubleHeadsModel GPT2FlashAttention2 GPT2ForCausalLM "
     "GPT2ForQuestionAnswering GPT2ForSequenceClassification GPT2ForTokenClassification GPT2LMHeadModel GPT2LayerNorm "
     "GPT2MLP GPT2Model GPT2PreTrainedModel GPT2RMSNorm GPT2RotaryEmbedding GPT2SdpaAttention"},
    {"transformers.modeling_roberta",
     "RobertaAttention RobertaClassificationHead RobertaEmbeddings RobertaEncoder RobertaForMaskedLM "
     "RobertaForMultipleChoice RobertaForNextSentencePrediction RobertaForPreTraining RobertaForQuestionAnswering "
     "RobertaForSequenceClassification RobertaForTokenClassification RobertaIntermediate RobertaLMHead "
     "RobertaLMHeadModel RobertaLMPredictionHead RobertaLayer RobertaModel RobertaOnlyMLMHead RobertaOutput "
     "RobertaPooler RobertaPreTrainedModel RobertaPredictionHeadTransform RobertaSelfAttention RobertaSelfOutput"},
    {"transformers.modeling_t5",
     "T5Attention T5Block T5ClassificationHead T5Decoder T5DecoderLayer T5DenseActDense T5DenseGatedActDense "
     "T5Encoder T5EncoderLayer T5EncoderModel T5ForAudioClassification T5ForCausalLM T5ForConditionalGeneration "
     "T5ForQuestionAnswering T5ForSequenceClassification T5ForTokenClassification T5LayerCrossAttention T5LayerFF "
     "T5LayerNorm T5LayerSelfAttention T5LearnedPositionalEmbedding T5Model T5PreTrainedModel T5ScaledWordEmbedding "
     "T5SinusoidalPositionalEmbedding T5Stack"},
    {"transformers.modeling_xlm_roberta",
     "XLMRobertaAttention XLMRobertaClassificationHead XLMRobertaEmbeddings XLMRobertaEncoder XLMRobertaForMaskedLM "
     "XLMRobertaForMultipleChoice XLMRobertaForNextSentencePrediction XLMRobertaForPreTraining "
     "XLMRobertaForQuestionAnswering XLMRobertaForSequenceClassification XLMRobertaForTokenClassification "
     "XLMRobertaIntermediate XLMRobertaLMHead XLMRobertaLMHeadModel XLMRobertaLMPredictionHead XLMRobertaLayer "
     "XLMRobertaModel XLMRobertaOnlyMLMHead XLMRobertaOutput XLMRobertaPooler XLMRobertaPreTrainedModel "
     "XLMRobertaPredictionHeadTransform XLMRobertaSelfAttention XLMRobertaSelfOutput"},
    {"transformers.modeling_xlnet",
     "XLNetForMaskedLM XLNetForMultipleChoice XLNetForNextSentencePrediction XLNetForPreTraining "
     "XLNetForQuestionAnswering XLNetForSequenceClassification XLNetForTokenClassification XLNetModel "
     "XLNetPreTrainedModel"},
    {"transformers.models.albert.modeling_albert",
     "AlbertAttention AlbertClassificationHead AlbertEmbeddings AlbertEncoder AlbertForMaskedLM "
     "AlbertForMultipleChoice AlbertForNextSentencePrediction AlbertForPreTraining AlbertForQuestionAnswering "
     "AlbertForSequenceClassification AlbertForTokenClassification AlbertIntermediate AlbertLMHead AlbertLMHeadModel "
     "AlbertLMPredictionHead AlbertLayer AlbertModel AlbertOnlyMLMHead AlbertOutput AlbertPooler "
     "AlbertPreTrainedModel AlbertPredictionHeadTransform AlbertSelfAttention AlbertSelfOutput"},
    {"transformers.models.align.modeling_align", "AlignModel AlignPreTrainedModel"},
    {"transformers.models.altclip.modeling_altclip", "AltCLIPModel AltCLIPPreTrainedModel"},
    {"transformers.models.audio_spectrogram_transformer.modeling_audio_spectrogram_transformer",
     "ASTForAudioClassification ASTForAudioFrameClassification ASTForCTC ASTForPreTraining "
     "ASTForSequenceClassification ASTForXVector ASTModel ASTPreTrainedModel"},
    {"transformers.models.bart.modeling_bart",
     "BartAttention BartBlock BartClassificationHead BartDecoder BartDecoderLayer BartDenseActDense "
     "BartDenseGatedActDense BartEncoder BartEncoderLayer BartEncoderModel BartForAudioClassification BartForCausalLM "
     "BartForConditionalGeneration BartForQuestionAnswering BartForSequenceClassification BartLayerCrossAttention "
     "BartLayerFF BartLayerNorm BartLayerSelfAttention BartLearnedPositionalEmbedding BartModel BartPreTrainedModel "
     "BartScaledWordEmbedding BartSinusoidalPositionalEmbedding BartStack"},
    {"transformers.models.beit.modeling_beit",
     "BeitAttention BeitBackbone BeitEmbeddings BeitEncoder BeitForImageClassification "
     "BeitForImageClassificationWithTeacher BeitForMaskedImageModeling BeitForObjectDetection BeitForPreTraining "
     "BeitForSemanticSegmentation BeitForVideoClassification BeitIntermediate BeitLayer BeitModel BeitOutput "
     "BeitPatchEmbeddings BeitPooler BeitPreTrainedModel BeitSelfAttention BeitSelfOutput BeitStage"},
    {"transformers.models.bert.modeling_bert",
     "BertAttention BertClassificationHead BertEmbeddings BertEncoder BertForMaskedLM BertForMultipleChoice "
     "BertForNextSentencePrediction BertForPreTraining BertForQuestionAnswering BertForSequenceClassification "
     "BertForTokenClassification BertIntermediate BertLMHead BertLMHeadModel BertLMPredictionHead BertLayer BertModel "
     "BertOnlyMLMHead BertOutput BertPooler BertPreTrainedModel BertPreTrainingHeads BertPredictionHeadTransform "
     "BertSdpaSelfAttention BertSelfAttention BertSelfOutput"},
    {"transformers.models.bert_generation.modeling_bert_generation",
     "BertGenerationModel BertGenerationPreTrainedModel"},
    {"transformers.models.big_bird.modeling_big_bird",
     "BigBirdForMaskedLM BigBirdForMultipleChoice BigBirdForNextSentencePrediction BigBirdForPreTraining "
     "BigBirdForQuestionAnswering BigBirdForSequenceClassification BigBirdForTokenClassification BigBirdModel "
     "BigBirdPreTrainedModel"},
    {"transformers.models.bigbird_pegasus.modeling_bigbird_pegasus",
     "BigBirdPegasusEncoderModel BigBirdPegasusForAudioClassification BigBirdPegasusForCausalLM "
     "BigBirdPegasusForConditionalGeneration BigBirdPegasusForQuestionAnswering "
     "BigBirdPegasusForSequenceClassification BigBirdPegasusModel BigBirdPegasusPreTrainedModel"},
    {"transformers.models.biogpt.modeling_biogpt",
     "BioGptDoubleHeadsModel BioGptForCausalLM BioGptForQuestionAnswering BioGptForSequenceClassification "
     "BioGptForTokenClassification BioGptLMHeadModel BioGptModel BioGptPreTrainedModel"},
    {"transformers.models.bit.modeling_bit",
     "BitForImageClassification BitForImageClassificationWithTeacher BitForMaskedImageModeling BitForObjectDetection "
     "BitForPreTraining BitForSemanticSegmentation BitForVideoClassification BitModel BitPreTrainedModel"},
    {"transformers.models.blenderbot.modeling_blenderbot",
     "BlenderbotEncoderModel BlenderbotForAudioClassification BlenderbotForCausalLM "
     "BlenderbotForConditionalGeneration BlenderbotForQuestionAnswering BlenderbotForSequenceClassification "
     "BlenderbotModel BlenderbotPreTrainedModel"},
    {"transformers.models.blenderbot_small.modeling_blenderbot_small",
     "BlenderbotSmallEncoderModel BlenderbotSmallForAudioClassification BlenderbotSmallForCausalLM "
     "BlenderbotSmallForConditionalGeneration BlenderbotSmallForQuestionAnswering "
     "BlenderbotSmallForSequenceClassification BlenderbotSmallModel BlenderbotSmallPreTrainedModel"},
    {"transformers.models.blip.modeling_blip",
     "BlipForConditionalGeneration BlipForImageTextRetrieval BlipForQuestionAnswering BlipModel BlipPreTrainedModel"},
    {"transformers.models.blip_2.modeling_blip_2", "Blip2ForConditionalGeneration Blip2Model Blip2PreTrainedModel"},
    {"transformers.models.bloom.modeling_bloom",
     "BloomAttention BloomBlock BloomDecoderLayer BloomDoubleHeadsModel BloomFlashAttention2 BloomForCausalLM "
     "BloomForQuestionAnswering BloomForSequenceClassification BloomForTokenClassification BloomLMHeadModel "
     "BloomLayerNorm BloomMLP BloomModel BloomPreTrainedModel BloomRMSNorm BloomRotaryEmbedding BloomSdpaAttention"},
    {"transformers.models.bridgetower.modeling_bridgetower", "BridgeTowerModel BridgeTowerPreTrainedModel"},
    {"transformers.models.camembert.modeling_camembert",
     "CamembertAttention CamembertClassificationHead CamembertEmbeddings CamembertEncoder CamembertForMaskedLM "
     "CamembertForMultipleChoice CamembertForNextSentencePrediction CamembertForPreTraining "
     "CamembertForQuestionAnswering CamembertForSequenceClassification CamembertForTokenClassification "
     "CamembertIntermediate CamembertLMHead CamembertLMHeadModel CamembertLMPredictionHead CamembertLayer "
     "CamembertModel CamembertOnlyMLMHead CamembertOutput CamembertPooler CamembertPreTrainedModel "
     "CamembertPredictionHeadTransform CamembertSelfAttention CamembertSelfOutput"},
    {"transformers.models.canine.modeling_canine",
     "CanineForMaskedLM CanineForMultipleChoice CanineForNextSentencePrediction CanineForPreTraining "
     "CanineForQuestionAnswering CanineForSequenceClassification CanineForTokenClassification CanineModel "
     "CaninePreTrainedModel"},
    {"transformers.models.chinese_clip.modeling_chinese_clip", "ChineseCLIPModel ChineseCLIPPreTrainedModel"},
    {"transformers.models.clap.modeling_clap", "ClapModel ClapPreTrainedModel"},
    {"transformers.models.clip.modeling_clip",
     "CLIPAttention CLIPEncoder CLIPEncoderLayer CLIPMLP CLIPModel CLIPPreTrainedModel CLIPTextEmbeddings "
     "CLIPTextModel CLIPTextModelWithProjection CLIPTextTransformer CLIPVisionEmbeddings CLIPVisionModel "
     "CLIPVisionModelWithProjection CLIPVisionTransformer"},
    {"transformers.models.clipseg.modeling_clipseg", "CLIPSegModel CLIPSegPreTrainedModel"},
    {"transformers.models.codegen.modeling_codegen",
     "CodeGenDoubleHeadsModel CodeGenForCausalLM CodeGenForQuestionAnswering CodeGenForSequenceClassification "
     "CodeGenForTokenClassification CodeGenLMHeadModel CodeGenModel CodeGenPreTrainedModel"},
    {"transformers.models.cohere.modeling_cohere",
     "CohereDoubleHeadsModel CohereForCausalLM CohereForQuestionAnswering CohereForSequenceClassification "
     "CohereForTokenClassification CohereLMHeadModel CohereModel CoherePreTrainedModel"},
    {"transformers.models.conditional_detr.modeling_conditional_detr",
     "ConditionalDetrModel ConditionalDetrPreTrainedModel"},
    {"transformers.models.convbert.modeling_convbert",
     "ConvBertForMaskedLM ConvBertForMultipleChoice ConvBertForNextSentencePrediction ConvBertForPreTraining "
     "ConvBertForQuestionAnswering ConvBertForSequenceClassification ConvBertForTokenClassification ConvBertModel "
     "ConvBertPreTrainedModel"},
    {"transformers.models.convnext.modeling_convnext",
     "ConvNextAttention ConvNextBackbone ConvNextEmbeddings ConvNextEncoder ConvNextForImageClassification "
     "ConvNextForImageClassificationWithTeacher ConvNextForMaskedImageModeling ConvNextForObjectDetection "
     "ConvNextForPreTraining ConvNextForSemanticSegmentation ConvNextForVideoClassification ConvNextIntermediate "
     "ConvNextLayer ConvNextModel ConvNextOutput ConvNextPatchEmbeddings ConvNextPooler ConvNextPreTrainedModel "
     "ConvNextSelfAttention ConvNextSelfOutput ConvNextStage"},
    {"transformers.models.convnextv2.modeling_convnextv2",
     "ConvNextV2ForImageClassification ConvNextV2ForImageClassificationWithTeacher ConvNextV2ForMaskedImageModeling "
     "ConvNextV2ForObjectDetection ConvNextV2ForPreTraining ConvNextV2ForSemanticSegmentation "
     "ConvNextV2ForVideoClassification ConvNextV2Model ConvNextV2PreTrainedModel"},
    {"transformers.models.ctrl.modeling_ctrl",
     "CTRLDoubleHeadsModel CTRLForCausalLM CTRLForQuestionAnswering CTRLForSequenceClassification "
     "CTRLForTokenClassification CTRLLMHeadModel CTRLModel CTRLPreTrainedModel"},
    {"transformers.models.cvt.modeling_cvt",
     "CvtForImageClassification CvtForImageClassificationWithTeacher CvtForMaskedImageModeling CvtForObjectDetection "
     "CvtForPreTraining CvtForSemanticSegmentation CvtForVideoClassification CvtModel CvtPreTrainedModel"},
    {"transformers.models.data2vec.modeling_data2vec",
     "Data2VecForMaskedLM Data2VecForMultipleChoice Data2VecForNextSentencePrediction Data2VecForPreTraining "
     "Data2VecForQuestionAnswering Data2VecForSequenceClassification Data2VecForTokenClassification Data2VecModel "
     "Data2VecPreTrainedModel"},
    {"transformers.models.deberta.modeling_deberta",
     "DebertaForMaskedLM DebertaForMultipleChoice DebertaForNextSentencePrediction DebertaForPreTraining "
     "DebertaForQuestionAnswering DebertaForSequenceClassification DebertaForTokenClassification DebertaModel "
     "DebertaPreTrainedModel"},
    {"transformers.models.deberta_v2.modeling_deberta_v2",
     "DebertaV2Attention DebertaV2ClassificationHead DebertaV2Embeddings DebertaV2Encoder DebertaV2ForMaskedLM "
     "DebertaV2ForMultipleChoice DebertaV2ForNextSentencePrediction DebertaV2ForPreTraining "
     "DebertaV2ForQuestionAnswering DebertaV2ForSequenceClassification DebertaV2ForTokenClassification "
     "DebertaV2Intermediate DebertaV2LMHead DebertaV2LMHeadModel DebertaV2LMPredictionHead DebertaV2Layer "
     "DebertaV2Model DebertaV2OnlyMLMHead DebertaV2Output DebertaV2Pooler DebertaV2PreTrainedModel "
     "DebertaV2PredictionHeadTransform DebertaV2SelfAttention DebertaV2SelfOutput"},
    {"transformers.models.decision_transformer.modeling_decision_transformer",
     "DecisionTransformerModel DecisionTransformerPreTrainedModel"},
    {"transformers.models.deepseek_v2.modeling_deepseek_v2",
     "DeepseekV2DoubleHeadsModel DeepseekV2ForCausalLM DeepseekV2ForQuestionAnswering "
     "DeepseekV2ForSequenceClassification DeepseekV2ForTokenClassification DeepseekV2LMHeadModel DeepseekV2Model "
     "DeepseekV2PreTrainedModel"},
    {"transformers.models.deepseek_v3.modeling_deepseek_v3",
     "DeepseekV3DoubleHeadsModel DeepseekV3ForCausalLM DeepseekV3ForQuestionAnswering "
     "DeepseekV3ForSequenceClassification DeepseekV3ForTokenClassification DeepseekV3LMHeadModel DeepseekV3Model "
     "DeepseekV3PreTrainedModel"},
    {"transformers.models.deformable_detr.modeling_deformable_detr",
     "DeformableDetrModel DeformableDetrPreTrainedModel"},
    {"transformers.models.deit.modeling_deit",
     "DeiTAttention DeiTBackbone DeiTEmbeddings DeiTEncoder DeiTForImageClassification "
     "DeiTForImageClassificationWithTeacher DeiTForMaskedImageModeling DeiTForObjectDetection DeiTForPreTraining "
     "DeiTForSemanticSegmentation DeiTForVideoClassification DeiTIntermediate DeiTLayer DeiTModel DeiTOutput "
     "DeiTPatchEmbeddings DeiTPooler DeiTPreTrainedModel DeiTSelfAttention DeiTSelfOutput DeiTStage"},
    {"transformers.models.depth_anything.modeling_depth_anything", "DepthAnythingModel DepthAnythingPreTrainedModel"},
    {"transformers.models.detr.modeling_detr",
     "DetrForObjectDetection DetrForSegmentation DetrModel DetrPreTrainedModel"},
    {"transformers.models.dinat.modeling_dinat",
     "DinatForImageClassification DinatForImageClassificationWithTeacher DinatForMaskedImageModeling "
     "DinatForObjectDetection DinatForPreTraining DinatForSemanticSegmentation DinatForVideoClassification DinatModel "
     "DinatPreTrainedModel"},
    {"transformers.models.dinov2.modeling_dinov2",
     "Dinov2Attention Dinov2Backbone Dinov2Embeddings Dinov2Encoder Dinov2ForImageClassification "
     "Dinov2ForImageClassificationWithTeacher Dinov2ForMaskedImageModeling Dinov2ForObjectDetection "
     "Dinov2ForPreTraining Dinov2ForSemanticSegmentation Dinov2ForVideoClassification Dinov2Intermediate Dinov2Layer "
     "Dinov2Model Dinov2Output Dinov2PatchEmbeddings Dinov2Pooler Dinov2PreTrainedModel Dinov2SelfAttention "
     "Dinov2SelfOutput Dinov2Stage"},
    {"transformers.models.distilbert.modeling_distilbert",
     "DistilBertAttention DistilBertClassificationHead DistilBertEmbeddings DistilBertEncoder DistilBertForMaskedLM "
     "DistilBertForMultipleChoice DistilBertForNextSentencePrediction DistilBertForPreTraining "
     "DistilBertForQuestionAnswering DistilBertForSequenceClassification DistilBertForTokenClassification "
     "DistilBertIntermediate DistilBertLMHead DistilBertLMHeadModel DistilBertLMPredictionHead DistilBertLayer "
     "DistilBertModel DistilBertOnlyMLMHead DistilBertOutput DistilBertPooler DistilBertPreTrainedModel "
     "DistilBertPredictionHeadTransform DistilBertSdpaAttention DistilBertSelfAttention DistilBertSelfOutput "
     "Embeddings FFN MultiHeadSelfAttention Transformer TransformerBlock"},
    {"transformers.models.donut.modeling_donut", "DonutSwinModel DonutSwinPreTrainedModel"},
    {"transformers.models.dpr.modeling_dpr", "DPRModel DPRPreTrainedModel"},
    {"transformers.models.dpt.modeling_dpt", "DPTForDepthEstimation DPTModel DPTPreTrainedModel"},
    {"transformers.models.efficientnet.modeling_efficientnet",
     "EfficientNetForImageClassification EfficientNetForImageClassificationWithTeacher "
     "EfficientNetForMaskedImageModeling EfficientNetForObjectDetection EfficientNetForPreTraining "
     "EfficientNetForSemanticSegmentation EfficientNetForVideoClassification EfficientNetModel "
     "EfficientNetPreTrainedModel"},
    {"transformers.models.electra.modeling_electra",
     "ElectraAttention ElectraClassificationHead ElectraDiscriminatorPredictions ElectraEmbeddings ElectraEncoder "
     "ElectraForMaskedLM ElectraForMultipleChoice ElectraForNextSentencePrediction ElectraForPreTraining "
     "ElectraForQuestionAnswering ElectraForSequenceClassification ElectraForTokenClassification "
     "ElectraGeneratorPredictions ElectraIntermediate ElectraLMHead ElectraLMHeadModel ElectraLMPredictionHead "
     "ElectraLayer ElectraModel ElectraOnlyMLMHead ElectraOutput ElectraPooler ElectraPreTrainedModel "
     "ElectraPredictionHeadTransform ElectraSelfAttention ElectraSelfOutput"},
    {"transformers.models.encodec.modeling_encodec", "EncodecModel EncodecPreTrainedModel"},
    {"transformers.models.encoder_decoder.modeling_encoder_decoder",
     "EncoderDecoderModel EncoderDecoderPreTrainedModel"},
    {"transformers.models.ernie.modeling_ernie",
     "ErnieForMaskedLM ErnieForMultipleChoice ErnieForNextSentencePrediction ErnieForPreTraining "
     "ErnieForQuestionAnswering ErnieForSequenceClassification ErnieForTokenClassification ErnieModel "
     "ErniePreTrainedModel"},
    {"transformers.models.esm.modeling_esm",
     "EsmForMaskedLM EsmForMultipleChoice EsmForNextSentencePrediction EsmForPreTraining EsmForQuestionAnswering "
     "EsmForSequenceClassification EsmForTokenClassification EsmModel EsmPreTrainedModel"},
    {"transformers.models.falcon.modeling_falcon",
     "FalconAttention FalconBlock FalconDecoderLayer FalconDoubleHeadsModel FalconFlashAttention2 FalconForCausalLM "
     "FalconForQuestionAnswering FalconForSequenceClassification FalconForTokenClassification FalconLMHeadModel "
     "FalconLayerNorm FalconMLP FalconModel FalconPreTrainedModel FalconRMSNorm FalconRotaryEmbedding "
     "FalconSdpaAttention"},
    {"transformers.models.flaubert.modeling_flaubert",
     "FlaubertForMaskedLM FlaubertForMultipleChoice FlaubertForNextSentencePrediction FlaubertForPreTraining "
     "FlaubertForQuestionAnswering FlaubertForSequenceClassification FlaubertForTokenClassification FlaubertModel "
     "FlaubertPreTrainedModel"},
    {"transformers.models.flava.modeling_flava", "FlavaModel FlavaPreTrainedModel"},
    {"transformers.models.fnet.modeling_fnet",
     "FNetForMaskedLM FNetForMultipleChoice FNetForNextSentencePrediction FNetForPreTraining FNetForQuestionAnswering "
     "FNetForSequenceClassification FNetForTokenClassification FNetModel FNetPreTrainedModel"},
    {"transformers.models.focalnet.modeling_focalnet",
     "FocalNetForImageClassification FocalNetForImageClassificationWithTeacher FocalNetForMaskedImageModeling "
     "FocalNetForObjectDetection FocalNetForPreTraining FocalNetForSemanticSegmentation "
     "FocalNetForVideoClassification FocalNetModel FocalNetPreTrainedModel"},
    {"transformers.models.fsmt.modeling_fsmt",
     "FSMTEncoderModel FSMTForAudioClassification FSMTForCausalLM FSMTForConditionalGeneration "
     "FSMTForQuestionAnswering FSMTForSequenceClassification FSMTModel FSMTPreTrainedModel"},
    {"transformers.models.funnel.modeling_funnel",
     "FunnelForMaskedLM FunnelForMultipleChoice FunnelForNextSentencePrediction FunnelForPreTraining "
     "FunnelForQuestionAnswering FunnelForSequenceClassification FunnelForTokenClassification FunnelModel "
     "FunnelPreTrainedModel"},
    {"transformers.models.gemma.modeling_gemma",
     "GemmaAttention GemmaBlock GemmaDecoderLayer GemmaDoubleHeadsModel GemmaFlashAttention2 GemmaForCausalLM "
     "GemmaForQuestionAnswering GemmaForSequenceClassification GemmaForTokenClassification GemmaLMHeadModel "
     "GemmaLayerNorm GemmaMLP GemmaModel GemmaPreTrainedModel GemmaRMSNorm GemmaRotaryEmbedding GemmaSdpaAttention"},
    {"transformers.models.gemma2.modeling_gemma2",
     "Gemma2DoubleHeadsModel Gemma2ForCausalLM Gemma2ForQuestionAnswering Gemma2ForSequenceClassification "
     "Gemma2ForTokenClassification Gemma2LMHeadModel Gemma2Model Gemma2PreTrainedModel"},
    {"transformers.models.gemma3.modeling_gemma3",
     "Gemma3DoubleHeadsModel Gemma3ForCausalLM Gemma3ForQuestionAnswering Gemma3ForSequenceClassification "
     "Gemma3ForTokenClassification Gemma3LMHeadModel Gemma3Model Gemma3PreTrainedModel"},
    {"transformers.models.git.modeling_git", "GitModel GitPreTrainedModel"},
    {"transformers.models.glm.modeling_glm",
     "GlmDoubleHeadsModel GlmForCausalLM GlmForQuestionAnswering GlmForSequenceClassification "
     "GlmForTokenClassification GlmLMHeadModel GlmModel GlmPreTrainedModel"},
    {"transformers.models.glpn.modeling_glpn", "GLPNModel GLPNPreTrainedModel"},
    {"transformers.models.gpt2.modeling_gpt2",
     "Conv1D GPT2Attention GPT2Block GPT2DecoderLayer GPT2DoubleHeadsModel GPT2FlashAttention2 GPT2ForCausalLM "
     "GPT2ForQuestionAnswering GPT2ForSequenceClassification GPT2ForTokenClassification GPT2LMHeadModel GPT2LayerNorm "
     "GPT2MLP GPT2Model GPT2PreTrainedModel GPT2RMSNorm GPT2RotaryEmbedding GPT2SdpaAttention"},
    {"transformers.models.gpt_bigcode.modeling_gpt_bigcode",
     "GPTBigCodeDoubleHeadsModel GPTBigCodeForCausalLM GPTBigCodeForQuestionAnswering "
     "GPTBigCodeForSequenceClassification GPTBigCodeForTokenClassification GPTBigCodeLMHeadModel GPTBigCodeModel "
     "GPTBigCodePreTrainedModel"},
    {"transformers.models.gpt_neo.modeling_gpt_neo",
     "GPTNeoAttention GPTNeoBlock GPTNeoDecoderLayer GPTNeoDoubleHeadsModel GPTNeoFlashAttention2 GPTNeoForCausalLM "
     "GPTNeoForQuestionAnswering GPTNeoForSequenceClassification GPTNeoForTokenClassification GPTNeoLMHeadModel "
     "GPTNeoLayerNorm GPTNeoMLP GPTNeoModel GPTNeoPreTrainedModel GPTNeoRMSNorm GPTNeoRotaryEmbedding "
     "GPTNeoSdpaAttention"},
    {"transformers.models.gpt_neox.modeling_gpt_neox",
     "GPTNeoXDoubleHeadsModel GPTNeoXForCausalLM GPTNeoXForQuestionAnswering GPTNeoXForSequenceClassification "
     "GPTNeoXForTokenClassification GPTNeoXLMHeadModel GPTNeoXModel GPTNeoXPreTrainedModel"},
    {"transformers.models.gptj.modeling_gptj",
     "GPTJAttention GPTJBlock GPTJDecoderLayer GPTJDoubleHeadsModel GPTJFlashAttention2 GPTJForCausalLM "
     "GPTJForQuestionAnswering GPTJForSequenceClassification GPTJForTokenClassification GPTJLMHeadModel GPTJLayerNorm "
     "GPTJMLP GPTJModel GPTJPreTrainedModel GPTJRMSNorm GPTJRotaryEmbedding GPTJSdpaAttention"},
    {"transformers.models.granite.modeling_granite",
     "GraniteDoubleHeadsModel GraniteForCausalLM GraniteForQuestionAnswering GraniteForSequenceClassification "
     "GraniteForTokenClassification GraniteLMHeadModel GraniteModel GranitePreTrainedModel"},
    {"transformers.models.grounding_dino.modeling_grounding_dino", "GroundingDinoModel GroundingDinoPreTrainedModel"},
    {"transformers.models.groupvit.modeling_groupvit", "GroupViTModel GroupViTPreTrainedModel"},
    {"transformers.models.hubert.modeling_hubert",
     "HubertAttention HubertEncoder HubertEncoderLayer HubertFeatureEncoder HubertFeatureProjection HubertFeedForward "
     "HubertForAudioClassification HubertForAudioFrameClassification HubertForCTC HubertForPreTraining "
     "HubertForSequenceClassification HubertForXVector HubertGroupNormConvLayer HubertLayerNormConvLayer HubertModel "
     "HubertNoLayerNormConvLayer HubertPositionalConvEmbedding HubertPreTrainedModel HubertSamePadLayer"},
    {"transformers.models.ibert.modeling_ibert",
     "IBertForMaskedLM IBertForMultipleChoice IBertForNextSentencePrediction IBertForPreTraining "
     "IBertForQuestionAnswering IBertForSequenceClassification IBertForTokenClassification IBertModel "
     "IBertPreTrainedModel"},
    {"transformers.models.idefics.modeling_idefics", "IdeficsModel IdeficsPreTrainedModel"},
    {"transformers.models.idefics2.modeling_idefics2", "Idefics2Model Idefics2PreTrainedModel"},
    {"transformers.models.imagegpt.modeling_imagegpt",
     "ImageGPTForImageClassification ImageGPTForImageClassificationWithTeacher ImageGPTForMaskedImageModeling "
     "ImageGPTForObjectDetection ImageGPTForPreTraining ImageGPTForSemanticSegmentation "
     "ImageGPTForVideoClassification ImageGPTModel ImageGPTPreTrainedModel"},
    {"transformers.models.instructblip.modeling_instructblip", "InstructBlipModel InstructBlipPreTrainedModel"},
    {"transformers.models.jamba.modeling_jamba",
     "JambaDoubleHeadsModel JambaForCausalLM JambaForQuestionAnswering JambaForSequenceClassification "
     "JambaForTokenClassification JambaLMHeadModel JambaModel JambaPreTrainedModel"},
    {"transformers.models.layoutlm.modeling_layoutlm",
     "LayoutLMAttention LayoutLMClassificationHead LayoutLMEmbeddings LayoutLMEncoder LayoutLMForMaskedLM "
     "LayoutLMForMultipleChoice LayoutLMForNextSentencePrediction LayoutLMForPreTraining LayoutLMForQuestionAnswering "
     "LayoutLMForSequenceClassification LayoutLMForTokenClassification LayoutLMIntermediate LayoutLMLMHead "
     "LayoutLMLMHeadModel LayoutLMLMPredictionHead LayoutLMLayer LayoutLMModel LayoutLMOnlyMLMHead LayoutLMOutput "
     "LayoutLMPooler LayoutLMPreTrainedModel LayoutLMPredictionHeadTransform LayoutLMSelfAttention LayoutLMSelfOutput"},
    {"transformers.models.layoutlmv2.modeling_layoutlmv2",
     "LayoutLMv2ForMaskedLM LayoutLMv2ForMultipleChoice LayoutLMv2ForNextSentencePrediction LayoutLMv2ForPreTraining "
     "LayoutLMv2ForQuestionAnswering LayoutLMv2ForSequenceClassification LayoutLMv2ForTokenClassification "
     "LayoutLMv2Model LayoutLMv2PreTrainedModel"},
    {"transformers.models.layoutlmv3.modeling_layoutlmv3",
     "LayoutLMv3ForMaskedLM LayoutLMv3ForMultipleChoice LayoutLMv3ForNextSentencePrediction LayoutLMv3ForPreTraining "
     "LayoutLMv3ForQuestionAnswering LayoutLMv3ForSequenceClassification LayoutLMv3ForTokenClassification "
     "LayoutLMv3Model LayoutLMv3PreTrainedModel"},
    {"transformers.models.led.modeling_led",
     "LEDEncoderModel LEDForAudioClassification LEDForCausalLM LEDForConditionalGeneration LEDForQuestionAnswering "
     "LEDForSequenceClassification LEDModel LEDPreTrainedModel"},
    {"transformers.models.levit.modeling_levit",
     "LevitForImageClassification LevitForImageClassificationWithTeacher LevitForMaskedImageModeling "
     "LevitForObjectDetection LevitForPreTraining LevitForSemanticSegmentation LevitForVideoClassification LevitModel "
     "LevitPreTrainedModel"},
    {"transformers.models.lilt.modeling_lilt",
     "LiltForMaskedLM LiltForMultipleChoice LiltForNextSentencePrediction LiltForPreTraining LiltForQuestionAnswering "
     "LiltForSequenceClassification LiltForTokenClassification LiltModel LiltPreTrainedModel"},
    {"transformers.models.llama.modeling_llama",
     "LlamaAttention LlamaBlock LlamaDecoderLayer LlamaDoubleHeadsModel LlamaDynamicNTKScalingRotaryEmbedding "
     "LlamaFlashAttention2 LlamaForCausalLM LlamaForQuestionAnswering LlamaForSequenceClassification "
     "LlamaForTokenClassification LlamaLMHeadModel LlamaLayerNorm LlamaLinearScalingRotaryEmbedding LlamaMLP "
     "LlamaModel LlamaPreTrainedModel LlamaRMSNorm LlamaRotaryEmbedding LlamaSdpaAttention"},
    {"transformers.models.llava.modeling_llava", "LlavaForConditionalGeneration LlavaModel LlavaPreTrainedModel"},
    {"transformers.models.llava_next.modeling_llava_next", "LlavaNextModel LlavaNextPreTrainedModel"},
    {"transformers.models.longformer.modeling_longformer",
     "LongformerAttention LongformerClassificationHead LongformerEmbeddings LongformerEncoder LongformerForMaskedLM "
     "LongformerForMultipleChoice LongformerForNextSentencePrediction LongformerForPreTraining "
     "LongformerForQuestionAnswering LongformerForSequenceClassification LongformerForTokenClassification "
     "LongformerIntermediate LongformerLMHead LongformerLMHeadModel LongformerLMPredictionHead LongformerLayer "
     "LongformerModel LongformerOnlyMLMHead LongformerOutput LongformerPooler LongformerPreTrainedModel "
     "LongformerPredictionHeadTransform LongformerSelfAttention LongformerSelfOutput"},
    {"transformers.models.longt5.modeling_longt5",
     "LongT5EncoderModel LongT5ForAudioClassification LongT5ForCausalLM LongT5ForConditionalGeneration "
     "LongT5ForQuestionAnswering LongT5ForSequenceClassification LongT5Model LongT5PreTrainedModel"},
    {"transformers.models.luke.modeling_luke",
     "LukeForMaskedLM LukeForMultipleChoice LukeForNextSentencePrediction LukeForPreTraining LukeForQuestionAnswering "
     "LukeForSequenceClassification LukeForTokenClassification LukeModel LukePreTrainedModel"},
    {"transformers.models.lxmert.modeling_lxmert", "LxmertModel LxmertPreTrainedModel"},
    {"transformers.models.m2m_100.modeling_m2m_100",
     "M2M100EncoderModel M2M100ForAudioClassification M2M100ForCausalLM M2M100ForConditionalGeneration "
     "M2M100ForQuestionAnswering M2M100ForSequenceClassification M2M100Model M2M100PreTrainedModel"},
    {"transformers.models.mamba.modeling_mamba",
     "MambaDoubleHeadsModel MambaForCausalLM MambaForQuestionAnswering MambaForSequenceClassification "
     "MambaForTokenClassification MambaLMHeadModel MambaModel MambaPreTrainedModel"},
    {"transformers.models.mamba2.modeling_mamba2",
     "Mamba2DoubleHeadsModel Mamba2ForCausalLM Mamba2ForQuestionAnswering Mamba2ForSequenceClassification "
     "Mamba2ForTokenClassification Mamba2LMHeadModel Mamba2Model Mamba2PreTrainedModel"},
    {"transformers.models.marian.modeling_marian",
     "MarianAttention MarianBlock MarianClassificationHead MarianDecoder MarianDecoderLayer MarianDenseActDense "
     "MarianDenseGatedActDense MarianEncoder MarianEncoderLayer MarianEncoderModel MarianForAudioClassification "
     "MarianForCausalLM MarianForConditionalGeneration MarianForQuestionAnswering MarianForSequenceClassification "
     "MarianLayerCrossAttention MarianLayerFF MarianLayerNorm MarianLayerSelfAttention "
     "MarianLearnedPositionalEmbedding MarianModel MarianPreTrainedModel MarianScaledWordEmbedding "
     "MarianSinusoidalPositionalEmbedding MarianStack"},
    {"transformers.models.markuplm.modeling_markuplm",
     "MarkupLMForMaskedLM MarkupLMForMultipleChoice MarkupLMForNextSentencePrediction MarkupLMForPreTraining "
     "MarkupLMForQuestionAnswering MarkupLMForSequenceClassification MarkupLMForTokenClassification MarkupLMModel "
     "MarkupLMPreTrainedModel"},
    {"transformers.models.mask2former.modeling_mask2former", "Mask2FormerModel Mask2FormerPreTrainedModel"},
    {"transformers.models.maskformer.modeling_maskformer", "MaskFormerModel MaskFormerPreTrainedModel"},
};

static const struct global_group groups[] = {
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, models,
                 "a layer: made without __init__, and given its attributes, it runs nothing"),
};

const struct global_table globals_transformers_models1 = {
    .groups = groups, .count = sizeof groups / sizeof groups[0], .more = &globals_transformers_models2};
