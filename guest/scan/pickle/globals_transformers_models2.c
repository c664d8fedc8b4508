/* SPDX-License-Identifier: Apache-2.0 */
/* Hugging Face transformers: the model families, second half. */
#include "guest/scan/pickle/globals_table.h"

static const struct global_module models[] = {
    {"transformers.models.mbart.modeling_mbart",
     "MBartAttention MBartBlock MBartClassificationHead MBartDecoder MBartDecoderLayer MBartDenseActDense "
     "MBartDenseGatedActDense MBartEncoder MBartEncoderLayer MBartEncoderModel MBartForAudioClassification "
     "MBartForCausalLM MBartForConditionalGeneration MBartForQuestionAnswering MBartForSequenceClassification "
     "MBartLayerCrossAttention MBartLayerFF MBartLayerNorm MBartLayerSelfAttention MBartLearnedPositionalEmbedding "
     "MBartModel MBartPreTrainedModel MBartScaledWordEmbedding MBartSinusoidalPositionalEmbedding MBartStack"},
    {"transformers.models.megatron_bert.modeling_megatron_bert",
     "MegatronBertForMaskedLM MegatronBertForMultipleChoice MegatronBertForNextSentencePrediction "
     "MegatronBertForPreTraining MegatronBertForQuestionAnswering MegatronBertForSequenceClassification "
     "MegatronBertForTokenClassification MegatronBertModel MegatronBertPreTrainedModel"},
    {"transformers.models.mistral.modeling_mistral",
     "MistralAttention MistralBlock MistralDecoderLayer MistralDoubleHeadsModel MistralFlashAttention2 "
     "MistralForCausalLM MistralForQuestionAnswering MistralForSequenceClassification MistralForTokenClassification "
     "MistralLMHeadModel MistralLayerNorm MistralMLP MistralModel MistralPreTrainedModel MistralRMSNorm "
     "MistralRotaryEmbedding MistralSdpaAttention"},
    {"transformers.models.mixtral.modeling_mixtral",
     "MixtralDoubleHeadsModel MixtralForCausalLM MixtralForQuestionAnswering MixtralForSequenceClassification "
     "MixtralForTokenClassification MixtralLMHeadModel MixtralModel MixtralPreTrainedModel"},
    {"transformers.models.mllama.modeling_mllama", "MllamaModel MllamaPreTrainedModel"},
    {"transformers.models.mobilebert.modeling_mobilebert",
     "MobileBertForMaskedLM MobileBertForMultipleChoice MobileBertForNextSentencePrediction MobileBertForPreTraining "
     "MobileBertForQuestionAnswering MobileBertForSequenceClassification MobileBertForTokenClassification "
     "MobileBertModel MobileBertPreTrainedModel"},
    {"transformers.models.mobilenet_v1.modeling_mobilenet_v1",
     "MobileNetV1ForImageClassification MobileNetV1ForImageClassificationWithTeacher "
     "MobileNetV1ForMaskedImageModeling MobileNetV1ForObjectDetection MobileNetV1ForPreTraining "
     "MobileNetV1ForSemanticSegmentation MobileNetV1ForVideoClassification MobileNetV1Model "
     "MobileNetV1PreTrainedModel"},
    {"transformers.models.mobilenet_v2.modeling_mobilenet_v2",
     "MobileNetV2ForImageClassification MobileNetV2ForImageClassificationWithTeacher "
     "MobileNetV2ForMaskedImageModeling MobileNetV2ForObjectDetection MobileNetV2ForPreTraining "
     "MobileNetV2ForSemanticSegmentation MobileNetV2ForVideoClassification MobileNetV2Model "
     "MobileNetV2PreTrainedModel"},
    {"transformers.models.mobilevit.modeling_mobilevit",
     "MobileViTForImageClassification MobileViTForImageClassificationWithTeacher MobileViTForMaskedImageModeling "
     "MobileViTForObjectDetection MobileViTForPreTraining MobileViTForSemanticSegmentation "
     "MobileViTForVideoClassification MobileViTModel MobileViTPreTrainedModel"},
    {"transformers.models.mobilevitv2.modeling_mobilevitv2",
     "MobileViTV2ForImageClassification MobileViTV2ForImageClassificationWithTeacher "
     "MobileViTV2ForMaskedImageModeling MobileViTV2ForObjectDetection MobileViTV2ForPreTraining "
     "MobileViTV2ForSemanticSegmentation MobileViTV2ForVideoClassification MobileViTV2Model "
     "MobileViTV2PreTrainedModel"},
    {"transformers.models.modernbert.modeling_modernbert",
     "ModernBertAttention ModernBertClassificationHead ModernBertEmbeddings ModernBertEncoder ModernBertForMaskedLM "
     "ModernBertForMultipleChoice ModernBertForNextSentencePrediction ModernBertForPreTraining "
     "ModernBertForQuestionAnswering ModernBertForSequenceClassification ModernBertForTokenClassification "
     "ModernBertIntermediate ModernBertLMHead ModernBertLMHeadModel ModernBertLMPredictionHead ModernBertLayer "
     "ModernBertModel ModernBertOnlyMLMHead ModernBertOutput ModernBertPooler ModernBertPreTrainedModel "
     "ModernBertPredictionHeadTransform ModernBertSelfAttention ModernBertSelfOutput"},
    {"transformers.models.mpnet.modeling_mpnet",
     "MPNetAttention MPNetClassificationHead MPNetEmbeddings MPNetEncoder MPNetForMaskedLM MPNetForMultipleChoice "
     "MPNetForNextSentencePrediction MPNetForPreTraining MPNetForQuestionAnswering MPNetForSequenceClassification "
     "MPNetForTokenClassification MPNetIntermediate MPNetLMHead MPNetLMHeadModel MPNetLMPredictionHead MPNetLayer "
     "MPNetModel MPNetOnlyMLMHead MPNetOutput MPNetPooler MPNetPreTrainedModel MPNetPredictionHeadTransform "
     "MPNetSelfAttention MPNetSelfOutput"},
    {"transformers.models.mpt.modeling_mpt",
     "MptDoubleHeadsModel MptForCausalLM MptForQuestionAnswering MptForSequenceClassification "
     "MptForTokenClassification MptLMHeadModel MptModel MptPreTrainedModel"},
    {"transformers.models.mra.modeling_mra",
     "MraForMaskedLM MraForMultipleChoice MraForNextSentencePrediction MraForPreTraining MraForQuestionAnswering "
     "MraForSequenceClassification MraForTokenClassification MraModel MraPreTrainedModel"},
    {"transformers.models.mt5.modeling_mt5",
     "MT5EncoderModel MT5ForAudioClassification MT5ForCausalLM MT5ForConditionalGeneration MT5ForQuestionAnswering "
     "MT5ForSequenceClassification MT5Model MT5PreTrainedModel"},
    {"transformers.models.musicgen.modeling_musicgen", "MusicgenModel MusicgenPreTrainedModel"},
    {"transformers.models.mvp.modeling_mvp",
     "MvpEncoderModel MvpForAudioClassification MvpForCausalLM MvpForConditionalGeneration MvpForQuestionAnswering "
     "MvpForSequenceClassification MvpModel MvpPreTrainedModel"},
    {"transformers.models.nezha.modeling_nezha",
     "NezhaForMaskedLM NezhaForMultipleChoice NezhaForNextSentencePrediction NezhaForPreTraining "
     "NezhaForQuestionAnswering NezhaForSequenceClassification NezhaForTokenClassification NezhaModel "
     "NezhaPreTrainedModel"},
    {"transformers.models.nllb_moe.modeling_nllb_moe",
     "NllbMoeEncoderModel NllbMoeForAudioClassification NllbMoeForCausalLM NllbMoeForConditionalGeneration "
     "NllbMoeForQuestionAnswering NllbMoeForSequenceClassification NllbMoeModel NllbMoePreTrainedModel"},
    {"transformers.models.nystromformer.modeling_nystromformer",
     "NystromformerForMaskedLM NystromformerForMultipleChoice NystromformerForNextSentencePrediction "
     "NystromformerForPreTraining NystromformerForQuestionAnswering NystromformerForSequenceClassification "
     "NystromformerForTokenClassification NystromformerModel NystromformerPreTrainedModel"},
    {"transformers.models.olmo.modeling_olmo",
     "OlmoDoubleHeadsModel OlmoForCausalLM OlmoForQuestionAnswering OlmoForSequenceClassification "
     "OlmoForTokenClassification OlmoLMHeadModel OlmoModel OlmoPreTrainedModel"},
    {"transformers.models.olmo2.modeling_olmo2",
     "Olmo2DoubleHeadsModel Olmo2ForCausalLM Olmo2ForQuestionAnswering Olmo2ForSequenceClassification "
     "Olmo2ForTokenClassification Olmo2LMHeadModel Olmo2Model Olmo2PreTrainedModel"},
    {"transformers.models.oneformer.modeling_oneformer", "OneFormerModel OneFormerPreTrainedModel"},
    {"transformers.models.openai.modeling_openai",
     "OpenAIGPTDoubleHeadsModel OpenAIGPTForCausalLM OpenAIGPTForQuestionAnswering OpenAIGPTForSequenceClassification "
     "OpenAIGPTForTokenClassification OpenAIGPTLMHeadModel OpenAIGPTModel OpenAIGPTPreTrainedModel"},
    {"transformers.models.opt.modeling_opt",
     "OPTAttention OPTBlock OPTDecoderLayer OPTDoubleHeadsModel OPTFlashAttention2 OPTForCausalLM "
     "OPTForQuestionAnswering OPTForSequenceClassification OPTForTokenClassification OPTLMHeadModel OPTLayerNorm "
     "OPTMLP OPTModel OPTPreTrainedModel OPTRMSNorm OPTRotaryEmbedding OPTSdpaAttention"},
    {"transformers.models.owlv2.modeling_owlv2", "Owlv2Model Owlv2PreTrainedModel"},
    {"transformers.models.owlvit.modeling_owlvit", "OwlViTForObjectDetection OwlViTModel OwlViTPreTrainedModel"},
    {"transformers.models.paligemma.modeling_paligemma", "PaliGemmaModel PaliGemmaPreTrainedModel"},
    {"transformers.models.patchtst.modeling_patchtst", "PatchTSTModel PatchTSTPreTrainedModel"},
    {"transformers.models.pegasus.modeling_pegasus",
     "PegasusAttention PegasusBlock PegasusClassificationHead PegasusDecoder PegasusDecoderLayer PegasusDenseActDense "
     "PegasusDenseGatedActDense PegasusEncoder PegasusEncoderLayer PegasusEncoderModel PegasusForAudioClassification "
     "PegasusForCausalLM PegasusForConditionalGeneration PegasusForQuestionAnswering PegasusForSequenceClassification "
     "PegasusLayerCrossAttention PegasusLayerFF PegasusLayerNorm PegasusLayerSelfAttention "
     "PegasusLearnedPositionalEmbedding PegasusModel PegasusPreTrainedModel PegasusScaledWordEmbedding "
     "PegasusSinusoidalPositionalEmbedding PegasusStack"},
    {"transformers.models.pegasus_x.modeling_pegasus_x",
     "PegasusXEncoderModel PegasusXForAudioClassification PegasusXForCausalLM PegasusXForConditionalGeneration "
     "PegasusXForQuestionAnswering PegasusXForSequenceClassification PegasusXModel PegasusXPreTrainedModel"},
    {"transformers.models.perceiver.modeling_perceiver", "PerceiverModel PerceiverPreTrainedModel"},
    {"transformers.models.persimmon.modeling_persimmon",
     "PersimmonDoubleHeadsModel PersimmonForCausalLM PersimmonForQuestionAnswering PersimmonForSequenceClassification "
     "PersimmonForTokenClassification PersimmonLMHeadModel PersimmonModel PersimmonPreTrainedModel"},
    {"transformers.models.phi.modeling_phi",
     "PhiAttention PhiBlock PhiDecoderLayer PhiDoubleHeadsModel PhiFlashAttention2 PhiForCausalLM "
     "PhiForQuestionAnswering PhiForSequenceClassification PhiForTokenClassification PhiLMHeadModel PhiLayerNorm "
     "PhiMLP PhiModel PhiPreTrainedModel PhiRMSNorm PhiRotaryEmbedding PhiSdpaAttention"},
    {"transformers.models.phi3.modeling_phi3",
     "Phi3DoubleHeadsModel Phi3ForCausalLM Phi3ForQuestionAnswering Phi3ForSequenceClassification "
     "Phi3ForTokenClassification Phi3LMHeadModel Phi3Model Phi3PreTrainedModel"},
    {"transformers.models.phimoe.modeling_phimoe",
     "PhimoeDoubleHeadsModel PhimoeForCausalLM PhimoeForQuestionAnswering PhimoeForSequenceClassification "
     "PhimoeForTokenClassification PhimoeLMHeadModel PhimoeModel PhimoePreTrainedModel"},
    {"transformers.models.pix2struct.modeling_pix2struct", "Pix2StructModel Pix2StructPreTrainedModel"},
    {"transformers.models.plbart.modeling_plbart",
     "PLBartEncoderModel PLBartForAudioClassification PLBartForCausalLM PLBartForConditionalGeneration "
     "PLBartForQuestionAnswering PLBartForSequenceClassification PLBartModel PLBartPreTrainedModel"},
    {"transformers.models.poolformer.modeling_poolformer",
     "PoolFormerForImageClassification PoolFormerForImageClassificationWithTeacher PoolFormerForMaskedImageModeling "
     "PoolFormerForObjectDetection PoolFormerForPreTraining PoolFormerForSemanticSegmentation "
     "PoolFormerForVideoClassification PoolFormerModel PoolFormerPreTrainedModel"},
    {"transformers.models.prophetnet.modeling_prophetnet",
     "ProphetNetEncoderModel ProphetNetForAudioClassification ProphetNetForCausalLM "
     "ProphetNetForConditionalGeneration ProphetNetForQuestionAnswering ProphetNetForSequenceClassification "
     "ProphetNetModel ProphetNetPreTrainedModel"},
    {"transformers.models.pvt.modeling_pvt",
     "PvtForImageClassification PvtForImageClassificationWithTeacher PvtForMaskedImageModeling PvtForObjectDetection "
     "PvtForPreTraining PvtForSemanticSegmentation PvtForVideoClassification PvtModel PvtPreTrainedModel"},
    {"transformers.models.qdqbert.modeling_qdqbert",
     "QDQBertForMaskedLM QDQBertForMultipleChoice QDQBertForNextSentencePrediction QDQBertForPreTraining "
     "QDQBertForQuestionAnswering QDQBertForSequenceClassification QDQBertForTokenClassification QDQBertModel "
     "QDQBertPreTrainedModel"},
    {"transformers.models.qwen2.modeling_qwen2",
     "Qwen2Attention Qwen2Block Qwen2DecoderLayer Qwen2DoubleHeadsModel Qwen2FlashAttention2 Qwen2ForCausalLM "
     "Qwen2ForQuestionAnswering Qwen2ForSequenceClassification Qwen2ForTokenClassification Qwen2LMHeadModel "
     "Qwen2LayerNorm Qwen2MLP Qwen2Model Qwen2PreTrainedModel Qwen2RMSNorm Qwen2RotaryEmbedding Qwen2SdpaAttention"},
    {"transformers.models.qwen2_5_vl.modeling_qwen2_5_vl", "Qwen2_5_VLModel Qwen2_5_VLPreTrainedModel"},
    {"transformers.models.qwen2_moe.modeling_qwen2_moe",
     "Qwen2MoeDoubleHeadsModel Qwen2MoeForCausalLM Qwen2MoeForQuestionAnswering Qwen2MoeForSequenceClassification "
     "Qwen2MoeForTokenClassification Qwen2MoeLMHeadModel Qwen2MoeModel Qwen2MoePreTrainedModel"},
    {"transformers.models.qwen2_vl.modeling_qwen2_vl",
     "Qwen2VLForConditionalGeneration Qwen2VLModel Qwen2VLPreTrainedModel"},
    {"transformers.models.qwen3.modeling_qwen3",
     "Qwen3DoubleHeadsModel Qwen3ForCausalLM Qwen3ForQuestionAnswering Qwen3ForSequenceClassification "
     "Qwen3ForTokenClassification Qwen3LMHeadModel Qwen3Model Qwen3PreTrainedModel"},
    {"transformers.models.qwen3_moe.modeling_qwen3_moe",
     "Qwen3MoeDoubleHeadsModel Qwen3MoeForCausalLM Qwen3MoeForQuestionAnswering Qwen3MoeForSequenceClassification "
     "Qwen3MoeForTokenClassification Qwen3MoeLMHeadModel Qwen3MoeModel Qwen3MoePreTrainedModel"},
    {"transformers.models.rag.modeling_rag",
     "RagEncoderModel RagForAudioClassification RagForCausalLM RagForConditionalGeneration RagForQuestionAnswering "
     "RagForSequenceClassification RagModel RagPreTrainedModel"},
    {"transformers.models.recurrent_gemma.modeling_recurrent_gemma",
     "RecurrentGemmaDoubleHeadsModel RecurrentGemmaForCausalLM RecurrentGemmaForQuestionAnswering "
     "RecurrentGemmaForSequenceClassification RecurrentGemmaForTokenClassification RecurrentGemmaLMHeadModel "
     "RecurrentGemmaModel RecurrentGemmaPreTrainedModel"},
    {"transformers.models.reformer.modeling_reformer",
     "ReformerForMaskedLM ReformerForMultipleChoice ReformerForNextSentencePrediction ReformerForPreTraining "
     "ReformerForQuestionAnswering ReformerForSequenceClassification ReformerForTokenClassification ReformerModel "
     "ReformerPreTrainedModel"},
    {"transformers.models.regnet.modeling_regnet",
     "RegNetForImageClassification RegNetForImageClassificationWithTeacher RegNetForMaskedImageModeling "
     "RegNetForObjectDetection RegNetForPreTraining RegNetForSemanticSegmentation RegNetForVideoClassification "
     "RegNetModel RegNetPreTrainedModel"},
    {"transformers.models.rembert.modeling_rembert",
     "RemBertForMaskedLM RemBertForMultipleChoice RemBertForNextSentencePrediction RemBertForPreTraining "
     "RemBertForQuestionAnswering RemBertForSequenceClassification RemBertForTokenClassification RemBertModel "
     "RemBertPreTrainedModel"},
    {"transformers.models.resnet.modeling_resnet",
     "ResNetAttention ResNetBackbone ResNetEmbeddings ResNetEncoder ResNetForImageClassification "
     "ResNetForImageClassificationWithTeacher ResNetForMaskedImageModeling ResNetForObjectDetection "
     "ResNetForPreTraining ResNetForSemanticSegmentation ResNetForVideoClassification ResNetIntermediate ResNetLayer "
     "ResNetModel ResNetOutput ResNetPatchEmbeddings ResNetPooler ResNetPreTrainedModel ResNetSelfAttention "
     "ResNetSelfOutput ResNetStage"},
    {"transformers.models.roberta.modeling_roberta",
     "RobertaAttention RobertaClassificationHead RobertaEmbeddings RobertaEncoder RobertaForMaskedLM "
     "RobertaForMultipleChoice RobertaForNextSentencePrediction RobertaForPreTraining RobertaForQuestionAnswering "
     "RobertaForSequenceClassification RobertaForTokenClassification RobertaIntermediate RobertaLMHead "
     "RobertaLMHeadModel RobertaLMPredictionHead RobertaLayer RobertaModel RobertaOnlyMLMHead RobertaOutput "
     "RobertaPooler RobertaPreTrainedModel RobertaPredictionHeadTransform RobertaSelfAttention RobertaSelfOutput"},
    {"transformers.models.roberta_prelayernorm.modeling_roberta_prelayernorm",
     "RobertaPreLayerNormForMaskedLM RobertaPreLayerNormForMultipleChoice "
     "RobertaPreLayerNormForNextSentencePrediction RobertaPreLayerNormForPreTraining "
     "RobertaPreLayerNormForQuestionAnswering RobertaPreLayerNormForSequenceClassification "
     "RobertaPreLayerNormForTokenClassification RobertaPreLayerNormModel RobertaPreLayerNormPreTrainedModel"},
    {"transformers.models.roc_bert.modeling_roc_bert",
     "RoCBertForMaskedLM RoCBertForMultipleChoice RoCBertForNextSentencePrediction RoCBertForPreTraining "
     "RoCBertForQuestionAnswering RoCBertForSequenceClassification RoCBertForTokenClassification RoCBertModel "
     "RoCBertPreTrainedModel"},
    {"transformers.models.roformer.modeling_roformer",
     "RoFormerForMaskedLM RoFormerForMultipleChoice RoFormerForNextSentencePrediction RoFormerForPreTraining "
     "RoFormerForQuestionAnswering RoFormerForSequenceClassification RoFormerForTokenClassification RoFormerModel "
     "RoFormerPreTrainedModel"},
    {"transformers.models.rt_detr.modeling_rt_detr", "RTDetrModel RTDetrPreTrainedModel"},
    {"transformers.models.rwkv.modeling_rwkv",
     "RwkvDoubleHeadsModel RwkvForCausalLM RwkvForQuestionAnswering RwkvForSequenceClassification "
     "RwkvForTokenClassification RwkvLMHeadModel RwkvModel RwkvPreTrainedModel"},
    {"transformers.models.sam.modeling_sam", "SamModel SamPreTrainedModel"},
    {"transformers.models.seamless_m4t.modeling_seamless_m4t", "SeamlessM4TModel SeamlessM4TPreTrainedModel"},
    {"transformers.models.segformer.modeling_segformer",
     "SegformerAttention SegformerBackbone SegformerEmbeddings SegformerEncoder SegformerForImageClassification "
     "SegformerForImageClassificationWithTeacher SegformerForMaskedImageModeling SegformerForObjectDetection "
     "SegformerForPreTraining SegformerForSemanticSegmentation SegformerForVideoClassification SegformerIntermediate "
     "SegformerLayer SegformerModel SegformerOutput SegformerPatchEmbeddings SegformerPooler SegformerPreTrainedModel "
     "SegformerSelfAttention SegformerSelfOutput SegformerStage"},
    {"transformers.models.sew.modeling_sew",
     "SEWForAudioClassification SEWForAudioFrameClassification SEWForCTC SEWForPreTraining "
     "SEWForSequenceClassification SEWForXVector SEWModel SEWPreTrainedModel"},
    {"transformers.models.siglip.modeling_siglip",
     "SiglipModel SiglipPreTrainedModel SiglipTextModel SiglipVisionModel"},
    {"transformers.models.smollm3.modeling_smollm3",
     "SmolLM3DoubleHeadsModel SmolLM3ForCausalLM SmolLM3ForQuestionAnswering SmolLM3ForSequenceClassification "
     "SmolLM3ForTokenClassification SmolLM3LMHeadModel SmolLM3Model SmolLM3PreTrainedModel"},
    {"transformers.models.speech_encoder_decoder.modeling_speech_encoder_decoder",
     "SpeechEncoderDecoderModel SpeechEncoderDecoderPreTrainedModel"},
    {"transformers.models.speech_to_text.modeling_speech_to_text",
     "Speech2TextEncoderModel Speech2TextForAudioClassification Speech2TextForCausalLM "
     "Speech2TextForConditionalGeneration Speech2TextForQuestionAnswering Speech2TextForSequenceClassification "
     "Speech2TextModel Speech2TextPreTrainedModel"},
    {"transformers.models.speecht5.modeling_speecht5",
     "SpeechT5ForTextToSpeech SpeechT5HifiGan SpeechT5Model SpeechT5PreTrainedModel"},
    {"transformers.models.splinter.modeling_splinter", "SplinterModel SplinterPreTrainedModel"},
    {"transformers.models.squeezebert.modeling_squeezebert",
     "SqueezeBertForMaskedLM SqueezeBertForMultipleChoice SqueezeBertForNextSentencePrediction "
     "SqueezeBertForPreTraining SqueezeBertForQuestionAnswering SqueezeBertForSequenceClassification "
     "SqueezeBertForTokenClassification SqueezeBertModel SqueezeBertPreTrainedModel"},
    {"transformers.models.stablelm.modeling_stablelm",
     "StableLmDoubleHeadsModel StableLmForCausalLM StableLmForQuestionAnswering StableLmForSequenceClassification "
     "StableLmForTokenClassification StableLmLMHeadModel StableLmModel StableLmPreTrainedModel"},
    {"transformers.models.starcoder2.modeling_starcoder2",
     "Starcoder2DoubleHeadsModel Starcoder2ForCausalLM Starcoder2ForQuestionAnswering "
     "Starcoder2ForSequenceClassification Starcoder2ForTokenClassification Starcoder2LMHeadModel Starcoder2Model "
     "Starcoder2PreTrainedModel"},
    {"transformers.models.superpoint.modeling_superpoint", "SuperPointModel SuperPointPreTrainedModel"},
    {"transformers.models.swiftformer.modeling_swiftformer",
     "SwiftFormerForImageClassification SwiftFormerForImageClassificationWithTeacher "
     "SwiftFormerForMaskedImageModeling SwiftFormerForObjectDetection SwiftFormerForPreTraining "
     "SwiftFormerForSemanticSegmentation SwiftFormerForVideoClassification SwiftFormerModel "
     "SwiftFormerPreTrainedModel"},
    {"transformers.models.swin.modeling_swin",
     "SwinAttention SwinBackbone SwinEmbeddings SwinEncoder SwinForImageClassification "
     "SwinForImageClassificationWithTeacher SwinForMaskedImageModeling SwinForObjectDetection SwinForPreTraining "
     "SwinForSemanticSegmentation SwinForVideoClassification SwinIntermediate SwinLayer SwinModel SwinOutput "
     "SwinPatchEmbeddings SwinPooler SwinPreTrainedModel SwinSelfAttention SwinSelfOutput SwinStage"},
    {"transformers.models.swin2sr.modeling_swin2sr", "Swin2SRModel Swin2SRPreTrainedModel"},
    {"transformers.models.swinv2.modeling_swinv2",
     "Swinv2ForImageClassification Swinv2ForImageClassificationWithTeacher Swinv2ForMaskedImageModeling "
     "Swinv2ForObjectDetection Swinv2ForPreTraining Swinv2ForSemanticSegmentation Swinv2ForVideoClassification "
     "Swinv2Model Swinv2PreTrainedModel"},
    {"transformers.models.switch_transformers.modeling_switch_transformers",
     "SwitchTransformersEncoderModel SwitchTransformersForAudioClassification SwitchTransformersForCausalLM "
     "SwitchTransformersForConditionalGeneration SwitchTransformersForQuestionAnswering "
     "SwitchTransformersForSequenceClassification SwitchTransformersModel SwitchTransformersPreTrainedModel"},
    {"transformers.models.t5.modeling_t5",
     "T5Attention T5Block T5ClassificationHead T5Decoder T5DecoderLayer T5DenseActDense T5DenseGatedActDense "
     "T5Encoder T5EncoderLayer T5EncoderModel T5ForAudioClassification T5ForCausalLM T5ForConditionalGeneration "
     "T5ForQuestionAnswering T5ForSequenceClassification T5ForTokenClassification T5LayerCrossAttention T5LayerFF "
     "T5LayerNorm T5LayerSelfAttention T5LearnedPositionalEmbedding T5Model T5PreTrainedModel T5ScaledWordEmbedding "
     "T5SinusoidalPositionalEmbedding T5Stack"},
    {"transformers.models.table_transformer.modeling_table_transformer",
     "TableTransformerModel TableTransformerPreTrainedModel"},
    {"transformers.models.tapas.modeling_tapas", "TapasModel TapasPreTrainedModel"},
    {"transformers.models.time_series_transformer.modeling_time_series_transformer",
     "TimeSeriesTransformerModel TimeSeriesTransformerPreTrainedModel"},
    {"transformers.models.timesformer.modeling_timesformer",
     "TimesFormerForImageClassification TimesFormerForImageClassificationWithTeacher "
     "TimesFormerForMaskedImageModeling TimesFormerForObjectDetection TimesFormerForPreTraining "
     "TimesFormerForSemanticSegmentation TimesFormerForVideoClassification TimesFormerModel "
     "TimesFormerPreTrainedModel"},
    {"transformers.models.trocr.modeling_trocr", "TrOCRForCausalLM TrOCRModel TrOCRPreTrainedModel"},
    {"transformers.models.tvlt.modeling_tvlt", "TvltModel TvltPreTrainedModel"},
    {"transformers.models.umt5.modeling_umt5",
     "UMT5EncoderModel UMT5ForAudioClassification UMT5ForCausalLM UMT5ForConditionalGeneration "
     "UMT5ForQuestionAnswering UMT5ForSequenceClassification UMT5Model UMT5PreTrainedModel"},
    {"transformers.models.unispeech.modeling_unispeech",
     "UniSpeechForAudioClassification UniSpeechForAudioFrameClassification UniSpeechForCTC UniSpeechForPreTraining "
     "UniSpeechForSequenceClassification UniSpeechForXVector UniSpeechModel UniSpeechPreTrainedModel"},
    {"transformers.models.unispeech_sat.modeling_unispeech_sat",
     "UniSpeechSatForAudioClassification UniSpeechSatForAudioFrameClassification UniSpeechSatForCTC "
     "UniSpeechSatForPreTraining UniSpeechSatForSequenceClassification UniSpeechSatForXVector UniSpeechSatModel "
     "UniSpeechSatPreTrainedModel"},
    {"transformers.models.upernet.modeling_upernet", "UperNetModel UperNetPreTrainedModel"},
    {"transformers.models.videomae.modeling_videomae",
     "VideoMAEForImageClassification VideoMAEForImageClassificationWithTeacher VideoMAEForMaskedImageModeling "
     "VideoMAEForObjectDetection VideoMAEForPreTraining VideoMAEForSemanticSegmentation "
     "VideoMAEForVideoClassification VideoMAEModel VideoMAEPreTrainedModel"},
    {"transformers.models.vilt.modeling_vilt", "ViltForQuestionAnswering ViltModel ViltPreTrainedModel"},
    {"transformers.models.vision_encoder_decoder.modeling_vision_encoder_decoder",
     "VisionEncoderDecoderModel VisionEncoderDecoderPreTrainedModel"},
    {"transformers.models.vision_text_dual_encoder.modeling_vision_text_dual_encoder",
     "VisionTextDualEncoderModel VisionTextDualEncoderPreTrainedModel"},
    {"transformers.models.visual_bert.modeling_visual_bert", "VisualBertModel VisualBertPreTrainedModel"},
    {"transformers.models.vit.modeling_vit",
     "ViTAttention ViTBackbone ViTEmbeddings ViTEncoder ViTForImageClassification "
     "ViTForImageClassificationWithTeacher ViTForMaskedImageModeling ViTForObjectDetection ViTForPreTraining "
     "ViTForSemanticSegmentation ViTForVideoClassification ViTIntermediate ViTLayer ViTModel ViTOutput "
     "ViTPatchEmbeddings ViTPooler ViTPreTrainedModel ViTSelfAttention ViTSelfOutput ViTStage"},
    {"transformers.models.vit_mae.modeling_vit_mae",
     "ViTMAEForImageClassification ViTMAEForImageClassificationWithTeacher ViTMAEForMaskedImageModeling "
     "ViTMAEForObjectDetection ViTMAEForPreTraining ViTMAEForSemanticSegmentation ViTMAEForVideoClassification "
     "ViTMAEModel ViTMAEPreTrainedModel"},
    {"transformers.models.vit_msn.modeling_vit_msn",
     "ViTMSNForImageClassification ViTMSNForImageClassificationWithTeacher ViTMSNForMaskedImageModeling "
     "ViTMSNForObjectDetection ViTMSNForPreTraining ViTMSNForSemanticSegmentation ViTMSNForVideoClassification "
     "ViTMSNModel ViTMSNPreTrainedModel"},
    {"transformers.models.vitmatte.modeling_vitmatte", "VitMatteModel VitMattePreTrainedModel"},
    {"transformers.models.vits.modeling_vits", "VitsModel VitsPreTrainedModel"},
    {"transformers.models.wav2vec2.modeling_wav2vec2",
     "Wav2Vec2Attention Wav2Vec2Encoder Wav2Vec2EncoderLayer Wav2Vec2FeatureEncoder Wav2Vec2FeatureProjection "
     "Wav2Vec2FeedForward Wav2Vec2ForAudioClassification Wav2Vec2ForAudioFrameClassification Wav2Vec2ForCTC "
     "Wav2Vec2ForPreTraining Wav2Vec2ForSequenceClassification Wav2Vec2ForXVector Wav2Vec2GroupNormConvLayer "
     "Wav2Vec2LayerNormConvLayer Wav2Vec2Model Wav2Vec2NoLayerNormConvLayer Wav2Vec2PositionalConvEmbedding "
     "Wav2Vec2PreTrainedModel Wav2Vec2SamePadLayer"},
    {"transformers.models.wav2vec2_bert.modeling_wav2vec2_bert",
     "Wav2Vec2BertForAudioClassification Wav2Vec2BertForAudioFrameClassification Wav2Vec2BertForCTC "
     "Wav2Vec2BertForPreTraining Wav2Vec2BertForSequenceClassification Wav2Vec2BertForXVector Wav2Vec2BertModel "
     "Wav2Vec2BertPreTrainedModel"},
    {"transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer",
     "Wav2Vec2ConformerForAudioClassification Wav2Vec2ConformerForAudioFrameClassification Wav2Vec2ConformerForCTC "
     "Wav2Vec2ConformerForPreTraining Wav2Vec2ConformerForSequenceClassification Wav2Vec2ConformerForXVector "
     "Wav2Vec2ConformerModel Wav2Vec2ConformerPreTrainedModel"},
    {"transformers.models.wavlm.modeling_wavlm",
     "WavLMAttention WavLMEncoder WavLMEncoderLayer WavLMFeatureEncoder WavLMFeatureProjection WavLMFeedForward "
     "WavLMForAudioClassification WavLMForAudioFrameClassification WavLMForCTC WavLMForPreTraining "
     "WavLMForSequenceClassification WavLMForXVector WavLMGroupNormConvLayer WavLMLayerNormConvLayer WavLMModel "
     "WavLMNoLayerNormConvLayer WavLMPositionalConvEmbedding WavLMPreTrainedModel WavLMSamePadLayer"},
    {"transformers.models.whisper.modeling_whisper",
     "WhisperAttention WhisperBlock WhisperClassificationHead WhisperDecoder WhisperDecoderLayer WhisperDenseActDense "
     "WhisperDenseGatedActDense WhisperEncoder WhisperEncoderLayer WhisperEncoderModel WhisperForAudioClassification "
     "WhisperForCausalLM WhisperForConditionalGeneration WhisperForQuestionAnswering WhisperForSequenceClassification "
     "WhisperLayerCrossAttention WhisperLayerFF WhisperLayerNorm WhisperLayerSelfAttention "
     "WhisperLearnedPositionalEmbedding WhisperModel WhisperPreTrainedModel WhisperScaledWordEmbedding "
     "WhisperSinusoidalPositionalEmbedding WhisperStack"},
    {"transformers.models.x_clip.modeling_x_clip", "XCLIPModel XCLIPPreTrainedModel"},
    {"transformers.models.xglm.modeling_xglm",
     "XGLMDoubleHeadsModel XGLMForCausalLM XGLMForQuestionAnswering XGLMForSequenceClassification "
     "XGLMForTokenClassification XGLMLMHeadModel XGLMModel XGLMPreTrainedModel"},
    {"transformers.models.xlm.modeling_xlm",
     "XLMForMaskedLM XLMForMultipleChoice XLMForNextSentencePrediction XLMForPreTraining XLMForQuestionAnswering "
     "XLMForSequenceClassification XLMForTokenClassification XLMModel XLMPreTrainedModel"},
    {"transformers.models.xlm_roberta.modeling_xlm_roberta",
     "XLMRobertaAttention XLMRobertaClassificationHead XLMRobertaEmbeddings XLMRobertaEncoder XLMRobertaForMaskedLM "
     "XLMRobertaForMultipleChoice XLMRobertaForNextSentencePrediction XLMRobertaForPreTraining "
     "XLMRobertaForQuestionAnswering XLMRobertaForSequenceClassification XLMRobertaForTokenClassification "
     "XLMRobertaIntermediate XLMRobertaLMHead XLMRobertaLMHeadModel XLMRobertaLMPredictionHead XLMRobertaLayer "
     "XLMRobertaModel XLMRobertaOnlyMLMHead XLMRobertaOutput XLMRobertaPooler XLMRobertaPreTrainedModel "
     "XLMRobertaPredictionHeadTransform XLMRobertaSelfAttention XLMRobertaSelfOutput"},
    {"transformers.models.xlm_roberta_xl.modeling_xlm_roberta_xl",
     "XLMRobertaXLForMaskedLM XLMRobertaXLForMultipleChoice XLMRobertaXLForNextSentencePrediction "
     "XLMRobertaXLForPreTraining XLMRobertaXLForQuestionAnswering XLMRobertaXLForSequenceClassification "
     "XLMRobertaXLForTokenClassification XLMRobertaXLModel XLMRobertaXLPreTrainedModel"},
    {"transformers.models.xlnet.modeling_xlnet",
     "XLNetForMaskedLM XLNetForMultipleChoice XLNetForNextSentencePrediction XLNetForPreTraining "
     "XLNetForQuestionAnswering XLNetForSequenceClassification XLNetForTokenClassification XLNetModel "
     "XLNetPreTrainedModel"},
    {"transformers.models.xmod.modeling_xmod",
     "XmodForMaskedLM XmodForMultipleChoice XmodForNextSentencePrediction XmodForPreTraining XmodForQuestionAnswering "
     "XmodForSequenceClassification XmodForTokenClassification XmodModel XmodPreTrainedModel"},
    {"transformers.models.yolos.modeling_yolos",
     "YolosForImageClassification YolosForImageClassificationWithTeacher YolosForMaskedImageModeling "
     "YolosForObjectDetection YolosForPreTraining YolosForSemanticSegmentation YolosForVideoClassification YolosModel "
     "YolosPreTrainedModel"},
    {"transformers.models.yoso.modeling_yoso",
     "YosoForMaskedLM YosoForMultipleChoice YosoForNextSentencePrediction YosoForPreTraining YosoForQuestionAnswering "
     "YosoForSequenceClassification YosoForTokenClassification YosoModel YosoPreTrainedModel"},
};

static const struct global_group groups[] = {
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, models,
                 "a layer: made without __init__, and given its attributes, it runs nothing"),
};

const struct global_table globals_transformers_models2 = {
    .groups = groups, .count = sizeof groups / sizeof groups[0], .more = &globals_transformers_training};
