/* SPDX-License-Identifier: Apache-2.0 */
/* Models of images and sound: torchvision, torchaudio, torchtext. */
#include "guest/scan/pickle/globals_table.h"

static const struct global_module torchvision[] = {
    {"torchvision.models._utils", "IntermediateLayerGetter _ModelURLs"},
    {"torchvision.models.alexnet", "AlexNet"},
    {"torchvision.models.convnext", "CNBlock CNBlockConfig ConvNeXt LayerNorm2d"},
    {"torchvision.models.densenet", "DenseNet _DenseBlock _DenseLayer _Transition"},
    {"torchvision.models.detection._utils",
     "BalancedPositiveNegativeSampler BoxCoder BoxLinearCoder Matcher SSDMatcher"},
    {"torchvision.models.detection.anchor_utils", "AnchorGenerator DefaultBoxGenerator"},
    {"torchvision.models.detection.backbone_utils", "BackboneWithFPN"},
    {"torchvision.models.detection.faster_rcnn", "FastRCNNConvFCHead FastRCNNPredictor FasterRCNN TwoMLPHead"},
    {"torchvision.models.detection.fcos", "FCOS FCOSClassificationHead FCOSHead FCOSRegressionHead"},
    {"torchvision.models.detection.generalized_rcnn", "GeneralizedRCNN"},
    {"torchvision.models.detection.image_list", "ImageList"},
    {"torchvision.models.detection.keypoint_rcnn", "KeypointRCNN KeypointRCNNHeads KeypointRCNNPredictor"},
    {"torchvision.models.detection.mask_rcnn", "MaskRCNN MaskRCNNHeads MaskRCNNPredictor"},
    {"torchvision.models.detection.retinanet",
     "RetinaNet RetinaNetClassificationHead RetinaNetHead RetinaNetRegressionHead"},
    {"torchvision.models.detection.roi_heads", "RoIHeads"},
    {"torchvision.models.detection.rpn", "RPNHead RegionProposalNetwork"},
    {"torchvision.models.detection.ssd",
     "SSD SSDClassificationHead SSDFeatureExtractorVGG SSDHead SSDRegressionHead SSDScoringHead"},
    {"torchvision.models.detection.ssdlite",
     "SSDLiteClassificationHead SSDLiteFeatureExtractorMobileNet SSDLiteHead SSDLiteRegressionHead"},
    {"torchvision.models.detection.transform", "GeneralizedRCNNTransform"},
    {"torchvision.models.efficientnet", "EfficientNet FusedMBConv FusedMBConvConfig MBConv MBConvConfig _MBConvConfig"},
    {"torchvision.models.feature_extraction", "DualGraphModule LeafModuleAwareTracer NodePathTracer"},
    {"torchvision.models.googlenet", "BasicConv2d GoogLeNet Inception InceptionAux"},
    {"torchvision.models.inception",
     "BasicConv2d Inception3 InceptionA InceptionAux InceptionB InceptionC InceptionD InceptionE"},
    {"torchvision.models.maxvit",
     "MBConv MaxVit MaxVitBlock MaxVitLayer PartitionAttentionLayer RelativePositionalMultiHeadAttention SwapAxes "
     "WindowDepartition WindowPartition"},
    {"torchvision.models.mnasnet", "MNASNet _InvertedResidual"},
    {"torchvision.models.mobilenetv2", "InvertedResidual MobileNetV2"},
    {"torchvision.models.mobilenetv3", "InvertedResidual InvertedResidualConfig MobileNetV3"},
    {"torchvision.models.optical_flow.raft",
     "BottleneckBlock ConvGRU CorrBlock FeatureEncoder FlowHead MaskPredictor MotionEncoder RAFT RecurrentBlock "
     "ResidualBlock UpdateBlock"},
    {"torchvision.models.quantization.googlenet",
     "QuantizableBasicConv2d QuantizableGoogLeNet QuantizableInception QuantizableInceptionAux"},
    {"torchvision.models.quantization.inception",
     "QuantizableBasicConv2d QuantizableInception3 QuantizableInceptionA QuantizableInceptionAux "
     "QuantizableInceptionB QuantizableInceptionC QuantizableInceptionD QuantizableInceptionE"},
    {"torchvision.models.quantization.mobilenetv2", "QuantizableInvertedResidual QuantizableMobileNetV2"},
    {"torchvision.models.quantization.mobilenetv3",
     "QuantizableInvertedResidual QuantizableMobileNetV3 QuantizableSqueezeExcitation"},
    {"torchvision.models.quantization.resnet", "QuantizableBasicBlock QuantizableBottleneck QuantizableResNet"},
    {"torchvision.models.quantization.shufflenetv2", "QuantizableInvertedResidual QuantizableShuffleNetV2"},
    {"torchvision.models.regnet", "AnyStage BlockParams BottleneckTransform RegNet ResBottleneckBlock SimpleStemIN"},
    {"torchvision.models.resnet", "BasicBlock Bottleneck ResNet"},
    {"torchvision.models.segmentation._utils", "_SimpleSegmentationModel"},
    {"torchvision.models.segmentation.deeplabv3", "ASPP ASPPConv ASPPPooling DeepLabHead DeepLabV3"},
    {"torchvision.models.segmentation.fcn", "FCN FCNHead"},
    {"torchvision.models.segmentation.lraspp", "LRASPP LRASPPHead"},
    {"torchvision.models.shufflenetv2", "InvertedResidual ShuffleNetV2"},
    {"torchvision.models.squeezenet", "Fire SqueezeNet"},
    {"torchvision.models.swin_transformer",
     "PatchMerging PatchMergingV2 ShiftedWindowAttention ShiftedWindowAttentionV2 SwinTransformer "
     "SwinTransformerBlock SwinTransformerBlockV2"},
    {"torchvision.models.vgg", "VGG"},
    {"torchvision.models.video.mvit", "MSBlockConfig MViT MultiscaleAttention MultiscaleBlock Pool PositionalEncoding"},
    {"torchvision.models.video.resnet",
     "BasicBlock BasicStem Bottleneck Conv2Plus1D Conv3DNoTemporal Conv3DSimple R2Plus1dStem VideoResNet"},
    {"torchvision.models.video.s3d", "S3D SepInceptionBlock3D TemporalSeparableConv"},
    {"torchvision.models.vision_transformer", "ConvStemConfig Encoder EncoderBlock MLPBlock VisionTransformer"},
    {"torchvision.ops.deform_conv", "DeformConv2d"},
    {"torchvision.ops.drop_block", "DropBlock2d DropBlock3d"},
    {"torchvision.ops.feature_pyramid_network", "ExtraFPNBlock FeaturePyramidNetwork LastLevelMaxPool LastLevelP6P7"},
    {"torchvision.ops.misc",
     "Conv2dNormActivation Conv3dNormActivation ConvNormActivation FrozenBatchNorm2d MLP Permute SqueezeExcitation"},
    {"torchvision.ops.poolers", "LevelMapper MultiScaleRoIAlign"},
    {"torchvision.ops.ps_roi_align", "PSRoIAlign"},
    {"torchvision.ops.ps_roi_pool", "PSRoIPool"},
    {"torchvision.ops.roi_align", "RoIAlign"},
    {"torchvision.ops.roi_pool", "RoIPool"},
    {"torchvision.ops.stochastic_depth", "StochasticDepth"},
    {"torchvision.transforms._presets",
     "ImageClassification ObjectDetection OpticalFlow SemanticSegmentation VideoClassification"},
    {"torchvision.transforms._transforms_video",
     "CenterCropVideo NormalizeVideo RandomCropVideo RandomHorizontalFlipVideo RandomResizedCropVideo ToTensorVideo"},
    {"torchvision.transforms.autoaugment", "AugMix AutoAugment RandAugment TrivialAugmentWide"},
    {"torchvision.transforms.transforms",
     "CenterCrop ColorJitter Compose ConvertImageDtype ElasticTransform FiveCrop GaussianBlur Grayscale Lambda "
     "LinearTransformation Normalize PILToTensor Pad RandomAdjustSharpness RandomAffine RandomApply "
     "RandomAutocontrast RandomChoice RandomCrop RandomEqualize RandomErasing RandomGrayscale RandomHorizontalFlip "
     "RandomInvert RandomOrder RandomPerspective RandomPosterize RandomResizedCrop RandomRotation RandomSolarize "
     "RandomTransforms RandomVerticalFlip Resize TenCrop ToPILImage ToTensor"},
};

static const struct global_module enumerations[] = {
    {"torchvision._utils", "StrEnum StrEnumMeta"},
    {"torchvision.io.image", "ImageReadMode"},
    {"torchvision.models.quantization.googlenet", "GoogLeNet_QuantizedWeights"},
    {"torchvision.models.quantization.inception", "Inception_V3_QuantizedWeights"},
    {"torchvision.models.quantization.mobilenetv2", "MobileNet_V2_QuantizedWeights"},
    {"torchvision.models.quantization.mobilenetv3", "MobileNet_V3_Large_QuantizedWeights"},
    {"torchvision.models.quantization.resnet",
     "ResNeXt101_32X8D_QuantizedWeights ResNeXt101_64X4D_QuantizedWeights ResNet18_QuantizedWeights "
     "ResNet50_QuantizedWeights"},
    {"torchvision.models.quantization.shufflenetv2",
     "ShuffleNet_V2_X0_5_QuantizedWeights ShuffleNet_V2_X1_0_QuantizedWeights ShuffleNet_V2_X1_5_QuantizedWeights "
     "ShuffleNet_V2_X2_0_QuantizedWeights"},
    {"torchvision.transforms.autoaugment", "AutoAugmentPolicy"},
    {"torchvision.transforms.functional", "InterpolationMode"},
};

static const struct global_module torchaudio[] = {
    {"torchaudio.models._hdemucs",
     "HDemucs _BLSTM _DConv _HDecLayer _HEncLayer _LayerScale _LocalState _ScaledEmbedding"},
    {"torchaudio.models.conformer", "Conformer ConformerLayer _ConvolutionModule _FeedForwardModule"},
    {"torchaudio.models.conv_tasnet", "ConvBlock ConvTasNet MaskGenerator"},
    {"torchaudio.models.decoder._ctc_decoder", "CTCDecoder CTCDecoderLM CTCDecoderLMState CTCHypothesis"},
    {"torchaudio.models.deepspeech", "DeepSpeech FullyConnected"},
    {"torchaudio.models.emformer", "Emformer _EmformerAttention _EmformerImpl _EmformerLayer"},
    {"torchaudio.models.rnnt", "RNNT _CustomLSTM _EmformerEncoder _Joiner _Predictor _TimeReduction _Transcriber"},
    {"torchaudio.models.rnnt_decoder", "RNNTBeamSearch"},
    {"torchaudio.models.tacotron2", "Tacotron2 _Attention _Decoder _Encoder _LocationLayer _Postnet _Prenet"},
    {"torchaudio.models.wav2letter", "Wav2Letter"},
    {"torchaudio.models.wav2vec2.components",
     "ConvLayerBlock ConvolutionalPositionalEmbedding Encoder EncoderLayer FeatureExtractor FeatureProjection "
     "FeedForward GradMultiply LayerNorm LogitGenerator MaskGenerator SelfAttention Transformer"},
    {"torchaudio.models.wav2vec2.model", "HuBERTPretrainModel Wav2Vec2Model"},
    {"torchaudio.models.wavernn", "MelResNet ResBlock Stretch2d UpsampleNetwork WaveRNN"},
    {"torchaudio.transforms._multi_channel", "MVDR PSD RTFMVDR SoudenMVDR"},
    {"torchaudio.transforms._transforms",
     "AmplitudeToDB ComputeDeltas Fade FrequencyMasking GriffinLim InverseMelScale InverseSpectrogram LFCC Loudness "
     "MFCC MelScale MelSpectrogram MuLawDecoding MuLawEncoding PitchShift RNNTLoss Resample SlidingWindowCmn "
     "SpectralCentroid Spectrogram TimeMasking TimeStretch Vad Vol _AxisMasking"},
    {"torchtext.data.example", "Example"},
    {"torchtext.data.field", "Field LabelField NestedField RawField"},
    {"torchtext.legacy.data.field", "Field LabelField"},
    {"torchtext.models.roberta.bundler", "RobertaBundle"},
    {"torchtext.models.roberta.model", "RobertaClassificationHead RobertaEncoder RobertaEncoderConf RobertaModel"},
    {"torchtext.models.roberta.modules", "PositionalEmbedding TransformerEncoder TransformerEncoderLayer"},
    {"torchtext.vocab", "Vectors Vocab"},
    {"torchtext.vocab.vectors", "CharNGram FastText GloVe Vectors"},
    {"torchtext.vocab.vocab", "Vocab"},
};

static const struct global_group groups[] = {
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, torchvision,
                 "a layer or a transform: attributes only, when made without __init__"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, enumerations, "an enumeration: a call looks a value up"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, torchaudio,
                 "a layer, a transform or a vocabulary: attributes only, when made without __init__"),
};

const struct global_table globals_vision = {.groups = groups, .count = sizeof groups / sizeof groups[0]};
